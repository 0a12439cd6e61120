"""The hotline's side: one webhook listener that is killed and started again, its inbox, and the gateway that sends."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import closing
from pathlib import Path

from sqlalchemy import select

from hotline import schema
from hotline.config import child_environment, load
from hotline.deployment import Deployment
from hotline.gateways.contract import Progress, Webhook
from hotline.models import Inbox, table

HOUSE = Path(__file__).resolve().parents[2]
SECRET = "invented-secret-of-the-peers-" + "0" * 35
INBOX = table(Inbox)


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def block(name: str) -> str:
    """Return a fenced block of the operator's page: what is tested is what is documented."""
    page = (HOUSE / "docs" / "deploy-a-short-code.md").read_text(encoding="utf-8")
    return page.split(f"```{name}\n")[1].split("```")[0]


def until(what: str, true: object, seconds: float) -> None:
    """Wait until something holds. Raises TimeoutError naming it."""
    end = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.1)


def listens(port: int) -> bool:
    """Whether somebody listens on a port of this machine."""
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Site:
    """An instance in a folder of its own, with no Redis and no workers: the listener must keep what it promised alone."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.port = free_port()
        here = f"http://127.0.0.1:{self.port}"
        self.settings = load(
            instance=folder, web_port=self.port, public_url=here, hook_secrets=SECRET, redis_url="redis://127.0.0.1:9/0",
            _env_file=None, **settings,
        )  # fmt: skip
        self.deployment = Deployment(self.settings)
        folder.mkdir(parents=True)
        schema.upgrade(self.deployment.db)
        self.deployment.keyring.create_missing()
        self._secret_settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the listener by its line of the Procfile and wait until it answers."""
        line = next(line for line in (HOUSE / "Procfile").read_text().splitlines() if line.startswith("web:"))
        plain = {f"HOTLINE_{name.upper()}": str(value) for name, value in self._secret_settings.items()}
        named = {
            "HOTLINE_PUBLIC_URL": self.settings.public_url,
            "HOTLINE_HOOK_SECRETS": SECRET,
            "REDIS_URL": self.settings.redis_url,
        }
        environment = child_environment(self.settings) | plain | named
        with (self.settings.instance / "web.log").open("ab") as log:
            self._process = subprocess.Popen(
                ["bash", "-c", line.partition(":")[2]], env=environment, cwd=HOUSE, start_new_session=True, stdout=log, stderr=log
            )
        until("the listener", self.ready, 60)

    def ready(self) -> bool:
        """Whether the listener says that it can take a report."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def kill(self, hang: float = 0) -> None:
        """Kill the listener with all its processes, without a word, after it has hung for some seconds."""
        if self._process is not None:
            if hang:
                os.killpg(self._process.pid, signal.SIGSTOP)
                time.sleep(hang)
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def stored(self) -> list[tuple[str, Webhook]]:
        """Return every webhook of the inbox with its kind."""
        with self.deployment.db.reading() as session:
            rows = session.execute(select(INBOX.c.id, INBOX.c.kind, INBOX.c.sealed)).all()
        opened = self.deployment.opener.open
        return [(row.kind, Webhook.unpacked(opened(row.sealed, f"inbox|sealed|{row.id}"))) for row in rows]

    def texts(self, gateway: str) -> list[str]:
        """Return the words of every text that is stored."""
        read = self.deployment.shelf.get(gateway).read_text  # type: ignore[union-attr]
        return [read(webhook).body for kind, webhook in self.stored() if kind == "sms"]

    def delivered(self, gateway: str) -> set[str]:
        """Return our ids of the texts whose receipt says delivered."""
        read = self.deployment.shelf.get(gateway).read_status  # type: ignore[union-attr]
        updates = [read(webhook) for kind, webhook in self.stored() if kind == "status"]
        return {str(update.message_id) for update in updates if update.progress is Progress.DELIVERED}


def note(text: str) -> None:
    """Say how far it is."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True, file=sys.stderr)
