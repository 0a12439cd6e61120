"""A number is read out on air: texts come by the hundred a second, and what cannot wait goes among them.

    python benchmarks/radio.py [--minutes 10] [--texts 500] [--rate 200] [--seconds 30] [--store sqlite|postgresql]

A show is on air; `texts` listeners text it in `minutes`, and in the middle, after the prompt, `rate` a second more do for `seconds`.
Votes, questions, talk and tips are drawn with a seed; some webhooks come twice, and one phone sends a song request over and over.
Everything runs here at once, on loopback, from the Procfile's lines: the webhook listener, the console with the presenter's and the
producer's screens, Redis, the database, the workers, the clock, and a network that takes what the hotline sends. A text's wait for
its acknowledgement counts from the moment it was due, not from when a connection was free. All people are invented.

Prints one table, each figure beside that of the quiet minutes of the same run. Exits 1 when one is short of its bar.
"""

import argparse
import os
import random
import re
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).resolve().parent))

from ingest import answering, fresh_database, furnished, ready, running_all
from load import paced
from network import serve
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hotline.config import Settings
from hotline.deployment import Deployment
from hotline.embedded import command as redis_command
from hotline.gateways import simulator
from hotline.gateways.simulator import Simulator
from hotline.models import Episode, Inbox, Message, MessageKind, Question, table
from hotline.radio import formats, moderation, polls, shows, surge
from hotline.simulator.evening import Act, evening, voices
from hotline.simulator.fates import fates
from hotline.simulator.send import Carrier
from hotline.simulator.station import Station
from hotline.up import commands

EPISODE, INBOX, MESSAGE, QUESTION = table(Episode), table(Inbox), table(Message), table(Question)
WEB, DESK, NETWORK = 8290, 8291, 8292
TARGET = "/in/simulator/sms"
ACK, REFRESH, TOLD = 0.3, 2.0, 5.0  # seconds
TWICE = 0.03  # of webhooks that a network gives again
SONG, OFTEN = "Please play the new song of the choir", 60
LOOK_EVERY = 1.0


@dataclass(frozen=True)
class Sent:
    """A text with the second it is due at. `burst`: it is one of those after the prompt."""

    due: float
    act: Act
    burst: bool


@dataclass
class Looks:
    """What both screens of the station took to answer, and how late the votes were that the presenter saw."""

    stage: list[tuple[float, float, int]]
    desk: list[tuple[float, float]]
    flood: bool = False


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--texts", type=int, default=500)
    parser.add_argument("--rate", type=int, default=200, help="texts a second after the prompt")
    parser.add_argument("--seconds", type=float, default=30, help="how long that lasts")
    parser.add_argument("--tips", type=int, default=40)
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite")
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="hotline-radio-"))
    try:
        short = measure(folder, chosen)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    raise SystemExit(short)


def measure(folder: Path, chosen: argparse.Namespace) -> bool:
    """Play it and print what was measured. Returns whether a bar was missed."""
    postgres = os.environ.get("HOTLINE_TEST_DATABASE_URL", "")  # noqa: TID251  names the server to measure on
    settings = Settings(
        instance=folder,
        database_url=fresh_database(postgres) if chosen.store == "postgresql" else "",
        demo=True,
        simulator_url=f"http://127.0.0.1:{NETWORK}",
        web_port=WEB,
        desk_port=DESK,
        _env_file=None,
    )
    site = furnished(settings)
    with site.db.transaction() as session:
        episode_id = on_air(session, site)
    sent = plan(chosen, settings)
    lines = commands(settings)
    programs = [["/bin/sh", "-c", lines[name]] for name in ("web", "desk", "intake", "life", "life2", "reply", "bulk", "clock")]
    with running_all([redis_command(settings) or [], *programs], settings), serve(NETWORK), Carrier(site) as carrier:
        answering(WEB)
        answering(DESK)
        ready(site, ("intake", "life", "reply"))
        station = Station(site, carrier)
        started, over, looks = datetime.now(UTC), threading.Event(), Looks([], [])
        begun = time.perf_counter()
        watching = threading.Thread(target=watch, args=(site, station, episode_id, begun, over, looks))
        watching.start()
        answers = paced(WEB, [(one.due, request(site, one.act)) for one in sent])
        station.settle()
        wait_for_tips(site, [one.act.name for one in sent if one.act.tip])
        over.set()
        watching.join()
        found = judge(site, episode_id, sent, answers, looks, started)
    site.close()
    Console().print(render(found, chosen))
    return any(row[4] for row in found)


def on_air(session: Session, site: Deployment) -> str:
    """Put the practice show on air with its poll open."""
    now = site.db.now(session)
    local = site.local(now)
    given = {**voices()["show"], "days": [formats.DAYS[local.weekday()]], "at": f"{local:%H:%M}"}
    show_id = shows.keep(session, *formats.laid_out(given, site.settings.templates), now)
    episode_id = shows.plan(session, site.settings, show_id, local.date())
    shows.go_on_air(session, episode_id, now)
    part = next(one for one in shows.segments(session, episode_id) if one["kind"] == "poll")
    shows.begin(session, episode_id, part["id"], now)
    shows.aired(session, shows.prompts(session, part["id"]), now)
    return episode_id


def plan(chosen: argparse.Namespace, settings: Settings) -> list[Sent]:
    """Return every text in the order in which it is due."""
    drawn, span = random.Random(7), chosen.minutes * 60
    many = int(chosen.rate * chosen.seconds)
    codes = (settings.radio_code, settings.tips_code)
    few_tips = max(1, chosen.tips // 4)
    calm = trimmed(evening(chosen.texts, few_tips, 7, *codes), chosen.texts)
    rush = trimmed(evening(many, chosen.tips - few_tips, 11, *codes), many)
    prompt = span * 0.4
    sent = [Sent(place * span / len(calm), act, burst=False) for place, act in enumerate(calm)]
    sent += [Sent(prompt + place / chosen.rate, act, burst=True) for place, act in enumerate(rush)]
    one_phone = [Act(f"song-{at}", "+250789999999", f"{SONG}{'!' * (at % 3)}", codes[0]) for at in range(OFTEN)]
    sent += [Sent(prompt + at * chosen.seconds / OFTEN, act, burst=True) for at, act in enumerate(one_phone)]
    again = [Sent(one.due + 1.5, one.act, one.burst) for one in sent if drawn.random() < TWICE]
    return sorted([*sent, *again], key=lambda one: one.due)


def trimmed(acts: list[Act], count: int) -> list[Act]:
    """Return so many acts, every tip among them."""
    surplus = max(0, len(acts) - count)
    plain = [at for at, act in enumerate(acts) if not act.tip]
    gone = set(random.Random(7).sample(plain, min(surplus, len(plain))))
    return [act for at, act in enumerate(acts) if at not in gone]


def request(site: Deployment, act: Act) -> bytes:
    """Return the signed webhook of a text as bytes."""
    body = urlencode({"id": act.name, "from": act.sender, "to": act.to, "text": act.body}).encode()
    network = site.shelf.get(Simulator.name)
    assert isinstance(network, Simulator)
    head = (
        f"POST {TARGET} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"{simulator.SIGNATURE}: {network.sign(TARGET, body)}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def watch(site: Deployment, station: Station, episode_id: str, begun: float, over: threading.Event, looks: Looks) -> None:
    """Look at both screens as they refresh themselves, until it is over."""
    while not over.wait(LOOK_EVERY):
        at = time.perf_counter()
        page = station.look("presenter", f"/studio/{episode_id}/live").decode()
        took = time.perf_counter() - at
        shown = re.search(r'class="votes"[^>]*><b>([\d,]+)</b>', page)
        looks.stage.append((at + took - begun, took, int(shown.group(1).replace(",", "")) if shown else 0))
        at = time.perf_counter()
        station.look("producer", f"/shows/{episode_id}/live")
        looks.desk.append((at - begun, time.perf_counter() - at))
        with site.db.reading() as session:
            looks.flood |= bool(session.scalar(select(EPISODE.c.surge_at.is_not(None)).where(EPISODE.c.id == episode_id)))


def wait_for_tips(site: Deployment, names: list[str]) -> None:
    """Wait until an officer was told of every tip, or half a minute is over."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        told = fates(site, Simulator.name, names)
        if all(name in told and told[name][1] for name in names):
            return
        time.sleep(0.5)


Row = tuple[str, str, str, str, bool]


def judge(
    site: Deployment,
    episode_id: str,
    sent: list[Sent],
    answers: list[tuple[float, float, str]],
    looks: Looks,
    started: datetime,
) -> list[Row]:
    """Return the rows of the table: figure, in the quiet, after the prompt, bar, and whether that is missed."""
    begins = min(one.due for one in sent if one.burst)
    ends = max(one.due for one in sent if one.burst)

    def rush(due: float) -> bool:
        return begins <= due <= ends

    acks = [[took for due, took, _ in answers if rush(due) == which] for which in (False, True)]
    refused = Counter(status for _, _, status in answers if status != "200")
    given = {one.act.name: one for one in reversed(sent)}  # what came twice counts when it first came
    given = dict(sorted(given.items(), key=lambda pair: pair[1].due))
    first = sorted({one.act.sender: one.due for one in reversed(sent) if one.act.vote}.values())
    late = [
        (at, max(0.0, at - first[shown])) if shown < len(first) and first[shown] < at else (at, 0.0)
        for at, _, shown in looks.stage
    ]
    stage = [[took for at, took, _ in looks.stage if rush(at) == which] for which in (False, True)]
    desk = [[took for at, took in looks.desk if rush(at) == which] for which in (False, True)]
    behind = [[lag for at, lag in late if rush(at) == which] for which in (False, True)]
    tips = {one.act.name: one for one in reversed(sent) if one.act.tip}
    told = fates(site, Simulator.name, list(tips))
    waits = [
        [
            (moment - started - timedelta(seconds=tips[name].due)).total_seconds()
            for name, (_, moment) in told.items()
            if moment and tips[name].burst == which
        ]
        for which in (False, True)
    ]
    with site.db.reading() as session:
        came = session.scalars(
            select(INBOX.c.external_id).where(INBOX.c.received_at >= started).order_by(INBOX.c.received_at)
        ).all()
        poll = polls.of_episodes(session, [episode_id])[episode_id]
        tally = {bar.digit: bar.votes for bar in polls.standing(session, poll).bars}
        rows = polls.recount(session, poll["id"])
        read = moderation.to_read(session, site, episode_id, "waiting", limit=10_000)
        asked = session.scalar(select(func.count()).select_from(QUESTION)) or 0
        said = session.scalar(select(func.count()).where(MESSAGE.c.kind == MessageKind.AUTO)) or 0
    # The last vote of a phone is the one that reached us last: two in one moment may have overtaken each other on the way.
    last = {given[name].act.sender: given[name].act.vote for name in came if name in given and given[name].act.vote}
    own = Counter(last.values())
    wrong = sum(abs(tally[digit] - own[digit]) + abs(rows.get(digit, 0) - own[digit]) for digit in tally)
    reached = sum(map(len, waits))
    floods = len([one for one in sent if one.burst and one.due < begins + surge.SPAN.total_seconds()]) > surge.MOST_ON_AIR
    songs = [one for one in read if one.words.startswith(SONG)]
    return [
        ("texts sent, with those given twice", str(len(acks[0])), str(len(acks[1])), f"{len(refused)} refused", bool(refused)),
        _row("acknowledged, p99", acks, ACK),
        _row("the studio's picture, p99", stage, REFRESH),
        _row("  how late the votes in it are, p99", behind, REFRESH),
        _row("the moderator's lists, p99", desk, REFRESH),
        _row("a tip until an officer is told, p99", waits, TOLD),
        ("  tips that an officer was told of", "", f"{reached} of {len(tips)}", "all", reached < len(tips)),
        ("votes, counted three ways", f"{sum(tally.values())} phones", f"{wrong} otherwise", "0", bool(wrong)),
        ("questions, as the moderator reads them", f"{asked} came", f"{len(read)} to read", "", False),
        (f"  {OFTEN} of one phone", "", f"{len(songs)} to read", "1", len(songs) != 1),
        ("answers to votes turned off", "", "by measure" if looks.flood else "never", "by measure", looks.flood != floods),
        ("  automatic answers written", "", str(said), "", False),
    ]


def _row(name: str, values: list[list[float]], bar: float) -> Row:
    quiet, rush = (_p99(one) for one in values)
    return (name, f"{quiet * 1000:.0f} ms", f"{rush * 1000:.0f} ms", f"≤ {bar * 1000:.0f} ms", rush > bar)


def _p99(values: list[float]) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.99))] if values else 0.0


def render(found: list[Row], chosen: argparse.Namespace) -> Table:
    """Return the table."""
    busy = os.getloadavg()[0]
    title = f"A prompt on air, {chosen.store}: {chosen.texts} texts in {chosen.minutes:g} min and {chosen.rate}/s for {chosen.seconds:g} s"
    shown = Table(title=f"{title}; {os.cpu_count()} cores, load {busy:.1f}", title_justify="left")
    for column in ("figure", "in the quiet", "after the prompt", "bar", ""):
        shown.add_column(column, justify="left" if column == "figure" else "right")
    for name, quiet, rush, bar, short in found:
        shown.add_row(name, quiet, rush, bar, "[red]SHORT[/]" if short else "")
    return shown


if __name__ == "__main__":
    main()
