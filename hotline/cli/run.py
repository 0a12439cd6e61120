"""`hotline up` and `hotline demo`: prepare an instance and run everything."""

import time
from contextlib import suppress
from dataclasses import dataclass, field

import click
import urllib3
from rich.console import Console
from rich.text import Text
from sqlalchemy import select

from hotline import demo as story
from hotline import schema
from hotline.config import DEMO_MARK, Settings, load
from hotline.deployment import Deployment
from hotline.embedded import command as redis_command
from hotline.models import Contact, Officer
from hotline.up import AlreadyRunning, PortInUse, Supervisor

READY_SECONDS = 60
ANSWER_SECONDS = 1.0  # nothing else is done for who ends meanwhile
COLOURS = ("cyan", "green", "yellow", "magenta", "blue", "bright_cyan", "bright_green", "bright_yellow", "red")


@dataclass
class Screen:
    """Prints lines of many processes, each behind its process's name."""

    console: Console = field(default_factory=lambda: Console(highlight=False, soft_wrap=True))
    _colours: dict[str, str] = field(default_factory=dict)

    def say(self, name: str, line: str) -> None:
        """Print a line. When nobody reads any more, rich ends the program; a hotline has work to do and goes on in silence."""
        with suppress(OSError, SystemExit):
            colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
            self.console.print(Text.assemble((f"{name:>7} ", colour), line))


@click.command()
@click.option("--demo", is_flag=True, help="Invented people, browser phones and one-click sign-in, on loopback only.")
def up(demo: bool) -> None:  # noqa: FBT001  click passes options so
    """Run everything on this machine: Redis, web, desk, workers and clock."""
    settings = load(**({"demo": True} if demo else {}))
    screen = Screen()
    supervisor = Supervisor(settings, screen.say)
    try:
        with supervisor.alone():
            prepare(settings, screen)
            supervisor.run(Announcer(settings, screen))
    except AlreadyRunning:
        raise click.ClickException(f"Another `hotline up` is using {settings.instance}. Stop it first.") from None
    except PortInUse as taken:
        raise click.ClickException(f"Port {taken.port} is in use. Stop what uses it, or set {taken.setting}.") from None


@click.command()
@click.pass_context
def demo(context: click.Context) -> None:
    """Run the demo; the same as `hotline up --demo`."""
    context.invoke(up, demo=True)


@click.command()
def migrate() -> None:
    """Make missing keys and bring the database to the newest shape, without starting anything."""
    prepare(load(), Screen())


def prepare(settings: Settings, screen: Screen) -> None:
    """Make folder, keys and tables, and in a demo the invented directory. Safe to repeat; keeps what is there."""
    settings.instance.mkdir(parents=True, exist_ok=True, mode=0o700)
    deployment = Deployment(settings)
    made = deployment.keyring.create_missing()
    if made:
        screen.say("up", f"made keys in {settings.keys}: keep a copy apart from the database")
    schema.upgrade(deployment.db)
    if settings.demo:
        _mark_as_demo(settings, deployment)
        with deployment.db.transaction() as session:
            if story.seed(session, deployment, deployment.db.now(session)):
                screen.say("up", "loaded the invented district of the demo")
    deployment.close()
    if not settings.redis_url and redis_command(settings) is None:
        raise click.ClickException("No Redis server here. Install redis-server, or set REDIS_URL.")


def _mark_as_demo(settings: Settings, deployment: Deployment) -> None:
    """Mark the folder, so that it stays a demo; refuse one that real people already use."""
    mark = settings.instance / DEMO_MARK
    with deployment.db.reading() as session:
        in_use = session.scalar(select(Contact.id).limit(1)) or session.scalar(select(Officer.id).limit(1))
    if in_use and not mark.exists():
        raise click.ClickException(f"{settings.instance} is a real instance. Choose another folder with HOTLINE_INSTANCE.")
    mark.touch()


@dataclass
class Announcer:
    """Says once where everything is: asked again and again, it looks whether both listeners answer."""

    settings: Settings
    screen: Screen
    started: float = field(default_factory=time.monotonic)
    _http: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(timeout=ANSWER_SECONDS, retries=False))

    def __call__(self) -> bool:
        """Look, and say it if it is so. True once there is nothing more to say."""
        chosen, say, took = self.settings, self.screen.say, time.monotonic() - self.started
        web, desk = f"http://{chosen.web_host}:{chosen.web_port}", f"http://{chosen.desk_host}:{chosen.desk_port}"
        if not all(self._answers(f"{address}/readyz") for address in (web, desk)):
            if took < READY_SECONDS:
                return False
            say("up", "not ready after a minute; the lines above say why, and so does `hotline doctor`")
            return True
        say("up", f"ready after {took:.1f} s")
        if chosen.demo:
            say("up", "DEMO: all people, agencies and numbers are invented")
            say("up", f"Phones   {desk}/simulator   send a text from one, take the alert on the other")
            say("up", f"Console  {desk}/            sign in with one click")
        else:
            say("up", f"Console  {desk}/   the first account: hotline user add NAME --role admin")
        say("up", f"Webhooks {web}/in/<gateway>/<kind>   Ctrl-C stops everything")
        return True

    def _answers(self, url: str) -> bool:
        try:
            return self._http.request("GET", url).status == 200
        except urllib3.exceptions.HTTPError:
            return False
