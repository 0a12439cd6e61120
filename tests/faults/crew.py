"""What tests that kill lanes share: real worker processes beside a deployment, and two gateways that keep their own records."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hotline.deployment import Deployment
from tests.fakes.gateway import FakeGateway

HOUSE = Path(__file__).parents[2]
GATEWAYS = ("twilio", "simulator")


@dataclass
class Workers:
    """Lanes and clock as processes of their own, beside a deployment opened by the test."""

    site: Deployment
    folder: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, *names: str) -> None:
        """Start what is named; what runs under the name is another's business."""
        chosen = self.site.settings.model_dump(mode="json")
        tokens = [token.get_secret_value() for token in self.site.settings.twilio_auth_tokens]
        (self.folder / "settings.json").write_text(json.dumps(chosen | {"twilio_auth_tokens": tokens}))
        for name in names:
            words = [sys.executable, "-m", "tests.faults.lanes", str(self.folder / "settings.json"), name.split("-")[0]]
            self.running[name] = subprocess.Popen(words, cwd=HOUSE)

    def kill(self, name: str) -> None:
        self.running[name].kill()
        self.running[name].wait(10)

    def close(self) -> None:
        for name in self.running:
            self.kill(name)


@pytest.fixture
def gateways(tmp_path: Path) -> Iterator[dict[str, FakeGateway]]:
    made = {name: FakeGateway(record_to=tmp_path / f"{name}.jsonl") for name in GATEWAYS}
    for server in made.values():
        server.start()
    yield made
    for server in made.values():
        server.stop()


def taken(folder: Path, what: str, *names: str) -> Counter[str]:
    """Return how often each message, or each phone (`to`), was sent something, from the gateways' own records."""
    lines = [json.loads(line) for name in names or GATEWAYS for line in (folder / f"{name}.jsonl").read_text().splitlines()]
    return Counter(entry[what] for entry in lines if entry["kind"] == "text" and entry["taken"])
