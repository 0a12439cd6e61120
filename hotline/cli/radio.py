"""`hotline radio`: shows from a file, episodes, the run sheet on paper, what went out when, and what came of it."""

import csv
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from sqlalchemy import RowMapping, select
from sqlalchemy.orm import Session

from hotline.cli.lists import columns, opened
from hotline.deployment import Deployment
from hotline.figures import prompts
from hotline.figures.counts import month_named, month_of
from hotline.intake.ussd.tree import LANGUAGES
from hotline.intake.voice import recorded
from hotline.intake.voice.prompts import Prompts
from hotline.models import Episode, Poll, Prompt, Show, Station, table
from hotline.radio import formats, polls, shows
from hotline.radio.asking import spoken
from hotline.recordings import Unfit

EPISODE, POLL, PROMPT, SHOW, STATION = (table(model) for model in (Episode, Poll, Prompt, Show, Station))


@click.group()
def radio() -> None:
    """Shows that listeners answer."""


@radio.command("load")
@click.argument("source", metavar="SHOW.toml", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def load_(source: Path) -> None:
    """Write a show down from its file, or anew under the same name, and plan its next episode."""
    with opened() as site:
        try:
            written, parts = formats.read(source, site.settings.templates)
        except formats.Unfit as why:
            raise click.ClickException(f"{source}: {why}") from None
        with site.db.transaction() as session:
            now = site.db.now(session)
            show_id = shows.keep(session, written, parts, now)
            show = dict(session.execute(select(SHOW).where(SHOW.c.id == show_id)).mappings().one())
            day = next(iter(shows.days_of(show, site.settings, now)), site.local(now).date())
            episode_id = shows.plan(session, site.settings, show_id, day)
    click.echo(f"{written.name}: next on {day:%a %d %b} at {written.at:%H:%M}, episode {episode_id}")


@radio.command("ls")
def ls() -> None:
    """List episodes, the newest first, with their votes."""
    joined = select(EPISODE, SHOW.c.name, STATION.c.name.label("station")).join(SHOW, SHOW.c.id == EPISODE.c.show_id)
    newest = joined.join(STATION, STATION.c.id == SHOW.c.station_id).order_by(EPISODE.c.starts_at.desc()).limit(30)
    with opened() as site, site.db.reading() as session:
        rows = session.execute(newest).mappings().all()
        found = polls.of_episodes(session, [row["id"] for row in rows])
        shown = columns("episode", "station", "show", "begins", "stands", "votes")
        for row in rows:
            votes = polls.standing(session, found[row["id"]]).votes if row["id"] in found else 0
            shown.add_row(
                row["id"], row["station"], row["name"], f"{site.local(row['starts_at']):%Y-%m-%d %H:%M}", _stands(row), str(votes)
            )
    Console().print(shown if rows else "There is no show yet: hotline radio load SHOW.toml")


@radio.command("sheet")
@click.argument("episode_id", metavar="EPISODE")
def sheet(episode_id: str) -> None:
    """Print the run sheet: each segment with its minutes, and the exact words to say in each language."""
    with opened() as site, site.db.reading() as session:
        episode = shows.episode(session, episode_id)
        if episode is None:
            raise click.ClickException("There is no such episode: hotline radio ls")
        begins = site.local(episode["starts_at"])
        click.echo(f"{episode['show']}, {episode['station']}, {begins:%A %d %B %Y %H:%M}\n")
        for part in shows.segments(session, episode_id):
            click.echo(f"{part['minutes']:3} min  {part['title']} ({part['kind']})")
            for code, words in part["say"].items():
                click.echo(f"         {code}: {words}")
        for poll in _polls(session, episode_id):
            click.echo("\nFor those who call, to record (hotline radio record):")
            for code in poll["question"]:
                click.echo(f"         {code}: {spoken(poll, code)}")
        chosen = site.settings
        code = episode["code"] or chosen.radio_code
        click.echo(f"\nSay: text {code}, free, no name. Dial {chosen.ussd_code}.")
        click.echo(f"For somebody in danger: text {chosen.tips_code}, or call 112.")


@radio.command("record")
@click.argument("episode_id", metavar="EPISODE")
@click.argument("language", type=click.Choice(LANGUAGES))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def record(episode_id: str, language: str, file: Path) -> None:
    """Take FILE, a WAV or MP3, as what callers hear of an episode's question; `hotline radio sheet` has the words."""
    with opened() as site, site.db.reading() as session:
        polls_ = _polls(session, episode_id)
        if not polls_:
            raise click.ClickException("There is no such episode, or it asks nothing: hotline radio ls")
        shelf = Prompts(site.settings.instance, site.words, site.settings.public_url.rstrip("/"))
        try:
            lasts = recorded.take_asked(shelf, language, spoken(polls_[0], language), file)
        except Unfit as unfit:
            raise click.ClickException(f"{file.name} cannot be the question: {unfit}.") from None
    click.echo(f"{lasts:.1f} seconds. Callers hear it in {language} from now on, also in other episodes that ask the same.")


@radio.command("on")
@click.argument("episode_id", metavar="EPISODE")
def on(episode_id: str) -> None:
    """Turn the "on air" switch on."""
    with opened() as site, site.db.transaction() as session:
        _must(shows.episode(session, episode_id))
        shows.go_on_air(session, episode_id, site.db.now(session))
    click.echo("On air.")


@radio.command("off")
@click.argument("episode_id", metavar="EPISODE")
def off(episode_id: str) -> None:
    """Turn the "on air" switch off; polls close."""
    with opened() as site, site.db.transaction() as session:
        _must(shows.episode(session, episode_id))
        shows.go_off_air(session, episode_id, site.db.now(session))
    click.echo("Off air.")


@radio.command("aired")
@click.argument("source", metavar="LOG.csv", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--episode", "episode_id", required=True, help="The episode whose prompts the log names.")
def aired(source: Path, episode_id: str) -> None:
    """Read a station's log: a line `time,prompt` for each time a jingle or a segment's words went out, in local time."""
    with opened() as site, site.db.transaction() as session:
        _must(shows.episode(session, episode_id))
        wanted = select(PROMPT.c.name, PROMPT.c.id).where(PROMPT.c.episode_id == episode_id)
        named = {row.name: row.id for row in session.execute(wanted)}
        for number, (at, name) in enumerate(_lines(source), start=1):
            if name not in named:
                raise click.ClickException(f"{source}, line {number}: there is no prompt {name!r}; there are {', '.join(named)}")
            shows.aired(session, [named[name]], _moment(site, at, f"{source}, line {number}"))
    click.echo("Noted.")


@radio.command("outcomes")
@click.option("--month", "written", default="", help="A month as 2026-11; this one where none is given.")
@click.option("--csv", "as_csv", is_flag=True, help="Print lines instead of a table.")
def outcomes(written: str, as_csv: bool) -> None:  # noqa: FBT001  click passes options so
    """Say which prompts of a month led to reports, and what became of them. Small numbers are left out, others rounded."""
    with opened() as site, site.db.reading() as session:
        month = month_named(written) if written else month_of(site.local(site.db.now(session)))
        if month is None:
            raise click.ClickException(f"{written!r} is no month; write 2026-11")
        rows = [row for one in prompts.of_month(session, site, month) for row in one.rows(month)]
    if as_csv:
        out = csv.writer(sys.stdout)
        out.writerow(prompts.HEAD)
        out.writerows(rows)
        return
    shown = columns(*prompts.HEAD)
    for row in rows:
        shown.add_row(*row)
    Console().print(shown if rows else f"Nothing was on air in {month}.")


def _polls(session: Session, episode_id: str) -> list[dict[str, Any]]:
    wanted = select(POLL).where(POLL.c.episode_id == episode_id).order_by(POLL.c.id)
    return [dict(row) for row in session.execute(wanted).mappings()]


def _stands(row: RowMapping) -> str:
    if row["on_air_at"] is None:
        return "planned"
    return "over" if row["off_air_at"] else "on air"


def _must(found: object) -> None:
    if found is None:
        raise click.ClickException("There is no such episode: hotline radio ls")


def _lines(source: Path) -> list[tuple[str, str]]:
    with source.open(encoding="utf-8", newline="") as file:
        return [(row[0].strip(), row[1].strip()) for row in csv.reader(file) if len(row) >= 2]


def _moment(site: Deployment, written: str, where: str) -> datetime:
    try:
        return datetime.fromisoformat(written).replace(tzinfo=site.settings.zone).astimezone(UTC)
    except ValueError:
        raise click.ClickException(f"{where}: {written!r} is no time; write 2026-11-26T18:05") from None
