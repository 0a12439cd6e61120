"""`hotline broadcast`: texts to many from the command line, by the same rules as at the desk.

Whoever approves signs for it with their own password and code: two people at one keyboard are still two people.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.orm import Session

from hotline.broadcasts import audience as choice
from hotline.broadcasts import campaign, recordings, sheet
from hotline.broadcasts.audience import Audience
from hotline.broadcasts.campaign import Refused
from hotline.broadcasts.check import Found, dry_run
from hotline.broadcasts.effect import Effect, effect
from hotline.broadcasts.progress import Fate, Line, Progress, Stands, progress
from hotline.broadcasts.progress import lines as by_lines
from hotline.broadcasts.replies import Replies, replies
from hotline.broadcasts.texts import LANGUAGES, library
from hotline.cli import lists
from hotline.cli.lists import columns, opened
from hotline.deployment import Deployment
from hotline.models import Broadcast, BroadcastState, table
from hotline.officers import Answer, admit, named, password_holds
from hotline.recordings import Unfit
from hotline.roles import May, allows

BROADCAST = table(Broadcast)
OVER = (BroadcastState.DONE, BroadcastState.STOPPED)
BY = click.option("--by", required=True, help="Sign-in name of the officer who does it.")


@click.group()
def broadcast() -> None:
    """Texts to many: the right words, once, to people who agreed, at a decent hour."""


for command in lists.COMMANDS:
    broadcast.add_command(command)


# ---- words and check --------------------------------------------------------------------------------------------


@broadcast.command("library")
def library_() -> None:
    """Show texts to begin with, and where each fact comes from."""
    with opened() as site:
        shelf = library(site.settings.templates)
    for one in shelf:
        click.echo(f"{one.key}: {one.title}\n  {one.texts['en']}")
        for says, source in one.facts:
            click.echo(f"  - {says} ({source})")


@broadcast.command("new")
@click.argument("name")
@click.option("--from", "taken", help="Take the texts over from the library.")
@click.option("--text", "texts", multiple=True, help="A text as LANGUAGE=WORDS; may be given for each language.")
@click.option("--fill", "filled", multiple=True, help="A value as PLACEHOLDER=VALUE, such as time=18:00.")
@click.option("--list", "keywords", multiple=True, required=True, help="Keyword of a list it goes to.")
@click.option("--language", "languages", multiple=True, help="Only people of this language.")
@click.option("--sector", "sectors", multiple=True, help="Only people of this sector.")
@click.option("--interest", "interests", multiple=True, help="Only people with this interest.")
@click.option("--source", "sources", multiple=True, help="Only people who agreed there: a training, a show.")
@click.option("--question", "choices", default=0, type=click.IntRange(0, 9), help="It asks a question with so many answers.")
@click.option("--rested", default=0, help="Leave out whoever was texted in the last so many days.")
@click.option("--sample", default=100, type=click.IntRange(1, 100), help="Take only so many per cent.")
@click.option("--hold-out", default=0, type=click.IntRange(0, 50), help="Let so many per cent get nothing, to see the effect.")
@BY
def new(name: str, taken: str | None, by: str, **given: Any) -> None:
    """Write a draft; prints its ID."""
    with opened() as site:
        _who(site, by, May.BROADCAST)
        words, signed = dict[str, str](), tuple[str, ...]()
        if taken:
            found = next((one for one in library(site.settings.templates) if one.key == taken), None)
            if found is None:
                raise click.ClickException("The library has no such text: hotline broadcast library")
            words, signed = dict(found.texts), found.read_by_native
        own = _pairs(given["texts"])
        people = Audience(
            tuple(one.casefold() for one in given["keywords"]),
            given["languages"],
            given["sectors"],
            given["interests"],
            given["sources"],
            given["rested"],
            given["sample"],
            given["hold_out"],
        )

        def write(session: Session, now: datetime) -> str:
            return campaign.create(
                session,
                name=name,
                texts=words | own,
                audience=people,
                author=by,
                now=now,
                filled=_pairs(given["filled"]),
                read_by_native=tuple(language for language in signed if language not in own),
                choices=given["choices"],
            )

        click.echo(_step(site, write))


@broadcast.command("record")
@click.argument("broadcast_id", metavar="ID")
@click.argument("language", type=click.Choice(LANGUAGES))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--words", required=True, help="What the recording says, word for word: whoever approves reads it.")
@BY
def record(broadcast_id: str, language: str, file: Path, words: str, by: str) -> None:
    """Take FILE, a WAV or MP3 of at most a minute, as what people who asked to be called hear in LANGUAGE."""
    with opened() as site:
        _who(site, by, May.BROADCAST)
        row = _row(site, broadcast_id)
        if wrong := [*recordings.wrong_words(site.words, language, words)]:
            raise click.ClickException(" ".join(wrong))
        try:
            taken = recordings.bring_in(site.settings.instance, language, words, file.read_bytes())
        except Unfit as unfit:
            raise click.ClickException(f"{file.name} cannot be played: {unfit}.") from None
        whole = {**row["recorded"], language: taken.kept()}
        _step(site, lambda session, now: campaign.edit(session, broadcast_id, actor=by, now=now, recorded=whole))
    click.echo(f"{taken.seconds:.1f} seconds. It is a draft again: hotline broadcast check ID")


@broadcast.command("check")
@click.argument("broadcast_id", metavar="ID")
@BY
def check(broadcast_id: str, by: str) -> None:
    """Go through every row: text, segments, cost, time, and what is wrong."""
    with opened() as site:
        _who(site, by, May.BROADCAST)
        row = _row(site, broadcast_id)
        bar = Bar(TextColumn("checking"), BarColumn(), MofNCompleteColumn(), transient=True)
        with site.db.reading() as session, bar:
            now = site.db.now(session)
            task = bar.add_task("checking", total=choice.size(session, Audience.of(row), now, row["id"]).texted)
            found = dry_run(session, site, row, now, lambda people: bar.advance(task, people))
        _step(site, lambda session, now: campaign.checked(session, row, found, actor=by, now=now))
        _show(found)


@broadcast.command("approve")
@click.argument("broadcast_id", metavar="ID")
@click.option("--people", type=int, prompt="How many people does it go to", help="The number of people, typed.")
@click.option("--password", prompt="Your password", hide_input=True, help="Asked for where it is not given.")
@click.option("--code", prompt="Code of your authenticator", help="Asked for where it is not given.")
@BY
def approve(broadcast_id: str, people: int, password: str, code: str, by: str) -> None:
    """Approve a checked broadcast: with your own password and code, and the number of people typed."""
    with opened() as site:
        row = _row(site, broadcast_id)
        few = row["people"] <= site.settings.broadcast_second_person
        with site.db.reading() as session:
            held = password_holds(named(session, by), password)
        with site.db.transaction() as session:
            now = site.db.now(session)
            officer = admit(session, site.keyring, Answer(by, held, code), now=now)
            role = officer.role if officer else ""
        if not allows(role, May.APPROVE_BROADCAST) and not (few and allows(role, May.BROADCAST)):
            raise click.ClickException("That is nobody who may approve this.")
        _step(site, lambda session, now: campaign.approve(session, site, broadcast_id, actor=by, typed=people, now=now))
        click.echo("Approved. It goes out with: hotline broadcast send ID")


# ---- sending ----------------------------------------------------------------------------------------------------


@broadcast.command("send")
@click.argument("broadcast_id", metavar="ID")
@click.option("--at", "at", type=click.DateTime(["%Y-%m-%dT%H:%M"]), help="Local time to begin at; without it, now.")
@BY
def send(broadcast_id: str, at: datetime | None, by: str) -> None:
    """Send an approved broadcast, now or at a time. In the quiet hours it waits for their end."""
    with opened() as site:
        _who(site, by, May.BROADCAST)
        moment = at.replace(tzinfo=site.settings.zone).astimezone(UTC) if at else None
        _step(site, lambda session, now: campaign.schedule(session, site, broadcast_id, moment or now, actor=by, now=now))
        click.echo("Scheduled. See it go: hotline broadcast watch ID")


@broadcast.command("pause")
@click.argument("broadcast_id", metavar="ID")
@BY
def pause(broadcast_id: str, by: str) -> None:
    """Hold a broadcast; nothing more of it leaves until it is resumed."""
    _moved(broadcast_id, by, campaign.pause, "Paused.")


@broadcast.command("resume")
@click.argument("broadcast_id", metavar="ID")
@BY
def resume(broadcast_id: str, by: str) -> None:
    """Go on with a broadcast that was paused."""
    _moved(broadcast_id, by, campaign.resume, "It goes on.")


@broadcast.command("stop")
@click.argument("broadcast_id", metavar="ID")
@click.option("--name", prompt="Type its name to end it for good", help="Its name, typed.")
@BY
def stop(broadcast_id: str, name: str, by: str) -> None:
    """End a broadcast for good; what has not left is taken back."""
    with opened() as site:
        if _row(site, broadcast_id)["name"] != name:
            raise click.ClickException("That is not its name; it goes on.")
    _moved(broadcast_id, by, campaign.stop, "Stopped.")


@broadcast.command("watch")
@click.argument("broadcast_id", metavar="ID")
@click.option("--once", is_flag=True, help="Show it once and end.")
def watch(broadcast_id: str, once: bool) -> None:  # noqa: FBT001  click passes options so
    """See a broadcast go until it is over: a bar, the rate, what failed and why."""
    with opened() as site:
        bar = Bar(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        task = bar.add_task("")
        with Live(bar, refresh_per_second=2, transient=False) as live:
            while True:
                row = _row(site, broadcast_id)
                with site.db.reading() as session:
                    stands, by_network = progress(session, site, row, site.db.now(session)), by_lines(session, row)
                    came = replies(session, row)
                bar.update(task, description=row["name"], total=max(1, stands.people), completed=stands.done)
                live.update(Group(bar, _fates(row, stands, came), _by_network(by_network)))
                if once or row["state"] in OVER:
                    return
                time.sleep(1)


@broadcast.command("report")
@click.argument("broadcast_id", metavar="ID", required=False)
@click.option("--csv", "csv", is_flag=True, help="Print lines of network, language, way, fate, reason and number.")
@click.option("--xlsx", type=click.Path(dir_okay=False, path_type=Path), help="Write the same lines into a workbook.")
def report(broadcast_id: str | None, csv: bool, xlsx: Path | None) -> None:  # noqa: FBT001  click passes options so
    """Say what became of a broadcast; without ID, list them all."""
    with opened() as site, site.db.reading() as session:
        if broadcast_id is None:
            _list(session)
            return
        row = _row(site, broadcast_id)
        stands, by_network = progress(session, site, row, site.db.now(session)), by_lines(session, row)
        came, compared = replies(session, row), effect(session, row)
    if xlsx is not None:
        xlsx.write_bytes(sheet.as_xlsx(by_network))
    if csv:
        click.echo(sheet.as_csv(by_network).decode("utf-8-sig"), nl=False)
    if csv or xlsx is not None:
        return
    Console().print(_fates(row, stands, came))
    Console().print(_by_network(by_network))
    if compared is not None:
        _show_effect(compared)


# ---- shared -----------------------------------------------------------------------------------------------------


def _step(site: Deployment, work: Callable[[Session, datetime], Any]) -> Any:
    try:
        with site.db.transaction() as session:
            return work(session, site.db.now(session))
    except Refused as error:
        raise click.ClickException(str(error)) from None


def _moved(broadcast_id: str, by: str, act: Callable[..., None], done: str) -> None:
    with opened() as site:
        _who(site, by, May.HOLD_BROADCAST)
        _step(site, lambda session, now: act(session, broadcast_id, actor=by, now=now))
    click.echo(done)


def _who(site: Deployment, name: str, act: May) -> None:
    with site.db.reading() as session:
        officer = named(session, name)
    if officer is None or not officer.active or not allows(officer.role, act):
        raise click.ClickException("That is nobody who may do this.")


def _row(site: Deployment, broadcast_id: str) -> Mapping[str, Any]:
    with site.db.reading() as session:
        row = campaign.get(session, broadcast_id)
    if row is None:
        raise click.ClickException("There is no such broadcast: hotline broadcast report")
    return row


def _pairs(given: tuple[str, ...]) -> dict[str, str]:
    pairs = dict(one.partition("=")[::2] for one in given)
    if not all(pairs.values()):
        raise click.ClickException("Write it as NAME=VALUE.")
    return pairs


def _show(found: Found) -> None:
    console = Console()
    shown = columns("gateway", "numbers", "texts", "segments", "cost")
    for gateway, prefix, texts, segments, cost in found.networks:
        shown.add_row(gateway, f"{prefix}…", str(texts), str(segments), "not known" if cost is None else f"{cost:,.0f}")
    if found.networks:
        console.print(shown)
    rung = columns("gateway", "numbers", "calls", "minutes", "cost")
    for gateway, prefix, calls, minutes, cost in found.calls:
        rung.add_row(gateway, f"{prefix}…", str(calls), str(minutes), "not known" if cost is None else f"{cost:,.0f}")
    if found.calls:
        console.print(rung)
    for language, text in found.samples:
        console.print(f"{language}  {text}", markup=False, highlight=False)
    lasts = max(1, round(found.seconds / 60))
    people = f"{found.people:,} people" if found.people >= choice.SMALLEST else "fewer than 20 people"
    console.print(
        f"{people}, {found.segments:,} segments, {found.cost:,.0f} {found.currency}, about {lasts} min at the allowed rate."
    )
    for sentence in found.noted:
        console.print(f"note: {sentence}", markup=False)
    for sentence in found.blocked:
        console.print(f"in the way: {sentence}", markup=False)
    console.print("It may not be sent so." if found.blocked else "Checked. Somebody may approve it: hotline broadcast approve ID")


def _show_effect(compared: Effect) -> None:
    shown = columns("within four weeks", "sent to, per 1,000", "held out, per 1,000", "difference, and its interval")
    named = [("on the whole", compared.whole)] if compared.whole else []
    named += [(one.name or "other sectors", one) for one in compared.by_sector]
    named += [(f"week {one.name}" if one.name else "other weeks", one) for one in compared.by_week]
    for name, one in named:
        difference = f"{one.more:+.1f} ({one.low:+.1f} to {one.high:+.1f})"
        shown.add_row(name, f"{one.sent.rate:.1f}", f"{one.held.rate:.1f}", difference)
    Console().print(shown if named else "Too few have reported so far to compare those held out without telling of one of them.")


def _fates(row: Mapping[str, Any], stands: Progress, came: Replies) -> Table:
    shown = columns("", "")
    known: dict[Stands | None, str] = {None: str(row["state"])}
    shown.add_row(row["name"], known.get(stands.stands, str(stands.stands)))
    shown.add_row("people", f"{stands.people:,}, {stands.percent} %")
    for fate, people in stands.fates.items():
        if people:
            shown.add_row(str(fate), f"{people:,}")
    shown.add_row("rate", f"{stands.rate} a second")
    shown.add_row("reports within three days", "fewer than 5" if came.reports is None else f"{came.reports:,}")
    for choice_, people in came.answers.items():
        shown.add_row(f"answered {choice_}", f"{people:,}")
    shown.add_row("left since", f"{stands.stops:,}")
    shown.add_row("cost so far, about", f"{stands.cost:,.0f} {stands.currency}")
    for reason, people in stands.reasons:
        shown.add_row(f"{people:,}", reason)
    return shown


def _by_network(by_network: Sequence[Line]) -> Table:
    there = [fate for fate in Fate if any(line.fates.get(fate) for line in by_network)]  # all of them are wider than a screen
    shown = columns("network", "language", "by", "people", *map(str, there))
    for line in by_network:
        counted = (str(line.fates.get(fate, "")) for fate in there)
        shown.add_row(line.network, line.language, str(line.reach), str(line.people), *counted)
    return shown


def _list(session: Session) -> None:
    newest = select(BROADCAST.c.id, BROADCAST.c.name, BROADCAST.c.state, BROADCAST.c.people).order_by(BROADCAST.c.id.desc())
    found = session.execute(newest.limit(50)).all()
    shown = columns("id", "name", "state", "people")
    for one in found:
        shown.add_row(one.id, one.name, one.state, f"{one.people:,}")
    Console().print(shown if found else "There is no broadcast yet: hotline broadcast new")
