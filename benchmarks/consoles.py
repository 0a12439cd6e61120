"""Forty officers have the desk open while reports come in: what a page takes, and whether webhooks notice.

    python benchmarks/consoles.py [--consoles 40] [--rate 50] [--seconds 30] [--store sqlite|postgresql]

First `rate` reports a second come with no console open, then again with all of them: each asks every five seconds what is new on its
page and who needs help, as its scripts do, and every five more opens Today, the queue or an item. Everything runs here at once, on
loopback, from the Procfile's lines, the workers and the officers' network included; the consoles are threads of one other process.
A webhook's wait counts from the moment it was due. All reports are invented.

Prints one table, webhooks as a ratio to those of the same run without consoles. Exits 1 when a figure is short of its bar.
"""

import argparse
import html
import multiprocessing
import os
import random
import re
import shutil
import sys
import tempfile
import threading
import time
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event, Semaphore
from pathlib import Path
from typing import Self

sys.path.insert(0, str(Path(__file__).resolve().parent))

from ingest import PUBLIC, TOKEN, answering, fresh_database, furnished, ready, requests, running_all
from load import paced
from network import serve
from rich.console import Console
from rich.table import Table
from sqlalchemy import select

from hotline.config import Settings
from hotline.embedded import command as redis_command
from hotline.models import Officer
from hotline.roles import Role
from hotline.simulator.station import Browser
from hotline.up import commands

WEB, DESK, NETWORK = 8390, 8391, 8392
PAGE, SLOWER = 0.3, 1.5  # seconds; how many times slower a webhook's p99 may look from noise alone
ASK_EVERY = 5.0
PULSE = re.compile(rb'id="pulse" hx-get="([^"]+)"')
MARK = re.compile(rb'id="mark" name="mark" value="([^"]*)"')
ITEM = re.compile(rb'href="(/case/[^"?#]+)"')
PAGES = ("/today", "/queue?view=new")
RUN = ("web", "desk", "intake", "life", "life2", "reply", "clock")
Took = list[float]


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--consoles", type=int, default=40)
    parser.add_argument("--rate", type=int, default=50, help="reports a second")
    parser.add_argument("--seconds", type=float, default=30, help="how long each half lasts")
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite")
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="hotline-consoles-"))
    try:
        short = measure(folder, chosen)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    raise SystemExit(short)


def measure(folder: Path, chosen: argparse.Namespace) -> bool:
    """Play both halves and print what was measured. Returns whether a bar was missed."""
    postgres = os.environ.get("HOTLINE_TEST_DATABASE_URL", "")  # noqa: TID251  names the server to measure on
    settings = Settings(
        instance=folder,
        database_url=fresh_database(postgres) if chosen.store == "postgresql" else "",
        demo=True,
        public_url=PUBLIC,
        twilio_auth_tokens=(TOKEN,),
        simulator_url=f"http://127.0.0.1:{NETWORK}",
        web_port=WEB,
        desk_port=DESK,
        _env_file=None,
    )
    deployment = furnished(settings)
    with deployment.db.reading() as session:
        working = select(Officer.id).where(Officer.demo, Officer.role.in_((Role.INTAKE, Role.SUPERVISOR))).order_by(Officer.id)
        officers = session.scalars(working).all()
    lines = commands(settings)
    programs = [["/bin/sh", "-c", lines[name]] for name in RUN]
    with running_all([redis_command(settings) or [], *programs], settings), serve(NETWORK):
        answering(WEB)
        answering(DESK)
        ready(deployment, ("intake", "life", "reply"))
        come(chosen.rate, 5)  # warm
        alone = come(chosen.rate, chosen.seconds)
        with Consoles(settings.console_url, [officers[at % len(officers)] for at in range(chosen.consoles)]) as consoles:
            beside = come(chosen.rate, chosen.seconds)
        pages, questions, failed = consoles.saw()
    deployment.close()
    return render(chosen, alone, beside, pages, questions, failed)


def come(rate: int, seconds: float) -> Took:
    """Let reports come at a rate; return what each waited for its answer. Exits when one is refused."""
    built = requests(int(rate * seconds))
    answers = paced(WEB, [(at / rate, one) for at, one in enumerate(built)])
    if refused := [status for _, _, status in answers if status != "200"]:
        raise SystemExit(f"{len(refused)} webhooks were refused")
    return [took for _, took, _ in answers]


class Consoles:
    """Open consoles in a process of their own, for as long as the block lasts."""

    def __init__(self, base: str, officers: list[str]) -> None:
        context = multiprocessing.get_context("spawn")
        self._over, self._open = context.Event(), context.Semaphore(0)
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=keep_open, args=(base, officers, self._over, self._open, theirs))
        self._number = len(officers)

    def __enter__(self) -> Self:
        """Start, and wait until all have signed in."""
        self._process.start()
        for _ in range(self._number):
            if not self._open.acquire(timeout=60):
                raise SystemExit("the consoles could not sign in")
        return self

    def __exit__(self, *_: object) -> None:
        """End them."""
        self._over.set()

    def saw(self) -> tuple[Took, Took, int]:
        """Return what pages and what questions took in seconds, and how many consoles broke off."""
        seen: tuple[Took, Took, int] = self._ours.recv()
        self._process.join(10)
        return seen


def keep_open(base: str, officers: list[str], over: Event, signed_in: Semaphore, result: Connection) -> None:
    """Be the browsers of some officers until it is over."""
    pages: Took = []
    questions: Took = []
    broken: list[str] = []

    def console(place: int, officer_id: str) -> None:
        try:
            browser = Browser(base)
            browser.get("/sign-in")
            browser.post(f"/demo/{officer_id}")
            signed_in.release()
            work(browser, random.Random(place), over, pages, questions)
        except Exception as error:
            broken.append(type(error).__name__)
            raise

    threads = [threading.Thread(target=console, args=pair) for pair in enumerate(officers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    result.send((pages, questions, len(broken)))


def work(browser: Browser, chance: random.Random, over: Event, pages: Took, questions: Took) -> None:
    """Open a page, ask twice what is new as its scripts do, and open the next."""
    over.wait(chance.random() * ASK_EVERY)
    items: list[str] = []
    while not over.is_set():
        opened = chance.choice([*PAGES, *chance.sample(items, min(2, len(items)))])
        page = timed(browser, opened, pages)
        items = [one.decode() for one in ITEM.findall(page)] or items
        for _ in range(2):
            if over.wait(ASK_EVERY):
                return
            timed(browser, "/urgent", questions)
            if pulse := PULSE.search(page):
                source, mark = html.unescape(pulse.group(1).decode()), MARK.search(page)
                known = f"mark={mark.group(1).decode()}" if mark else ""
                page = timed(browser, f"{source}{'&' if '?' in source else '?'}{known}", questions) or page


def timed(browser: Browser, path: str, into: Took) -> bytes:
    """Fetch a path and note what it took."""
    started = time.perf_counter()
    found = browser.get(path)
    into.append(time.perf_counter() - started)
    return found


def render(chosen: argparse.Namespace, alone: Took, beside: Took, pages: Took, questions: Took, failed: int) -> bool:
    """Print the table. Returns whether a bar was missed."""
    slower = at(beside, 0.99) / at(alone, 0.99)
    rows = [
        ("pages opened", f"{len(pages)}", "", False),
        ("  a page, p95", f"{at(pages, 0.95) * 1000:.0f} ms", f"≤ {PAGE * 1000:.0f} ms", at(pages, 0.95) > PAGE),
        ("what is new, asked", f"{len(questions)}", "", False),
        ("  an answer, p95", f"{at(questions, 0.95) * 1000:.0f} ms", f"≤ {PAGE * 1000:.0f} ms", at(questions, 0.95) > PAGE),
        ("consoles that broke off", f"{failed}", "0", failed > 0),
        ("a webhook, p99, no console open", f"{at(alone, 0.99) * 1000:.1f} ms", "", False),
        ("  all of them open", f"{at(beside, 0.99) * 1000:.1f} ms", "", False),
        ("  the ratio", f"{slower:.2f}", f"≤ {SLOWER}", slower > SLOWER),
    ]
    title = f"{chosen.consoles} open consoles, {chosen.rate} reports a second for {chosen.seconds:g} s, {chosen.store}"
    shown = Table(title=f"{title}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", title_justify="left")
    for column in ("figure", "", "bar", " "):
        shown.add_column(column, justify="left" if column == "figure" else "right")
    for name, value, bar, short in rows:
        shown.add_row(name, value, bar, "[red]SHORT[/]" if short else "")
    Console().print(shown)
    return any(short for *_, short in rows)


def at(values: Took, share: float) -> float:
    """Return the value that a share of all does not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0


if __name__ == "__main__":
    main()
