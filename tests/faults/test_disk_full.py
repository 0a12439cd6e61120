"""A disk with no room: a webhook hears 200 only if its row or its file is there, else 503; with room all is well by itself."""

import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from hotline.config import Settings
from hotline.deployment import Deployment
from hotline.intake.spool import Spool, flush
from hotline.models import Inbox
from tests.conftest import PUBLIC_URL, TWILIO_TOKEN
from tests.faults.dying import LIVED, forked
from tests.line import Line
from workers import clock

ROOM = 64 * 1024
SMALL_DISK = 24 * 1024 * 1024


def post(line: Line, sid: str, size: int = 2_000) -> int:
    fields = {"MessageSid": sid, "From": "+250780000101", "To": "7788", "Body": "x" * size}
    return line.post(fields).status_code


def stored(site: Deployment) -> set[str]:
    with site.db.reading() as session:
        return {row.external_id for row in session.query(Inbox.external_id)}


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_process_that_may_write_no_more_promises_no_more(deployment: Deployment) -> None:
    """The limit is on each file: first the database has no room for another row, then the spool has none for a file."""

    def work(say: Callable[[str], None]) -> None:
        line = Line(Deployment(deployment.settings))
        for room in (ROOM, 100):
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, ROOM))
            for number in range(40):
                sid = f"SM{room:08x}{number:024x}"
                say(f"{sid}:{post(line, sid)}")

    end = forked(work)
    assert end.code == LIVED
    heard = dict(one.split(":") for one in end.said)
    spooled = Spool.of(deployment.settings).waiting()
    in_database = stored(deployment)
    promised = {sid for sid, status in heard.items() if status == "200"}
    assert set(heard.values()) == {"200", "503"}
    assert len(spooled) > 20
    flush(deployment)
    assert promised - stored(deployment) == set(), "promised and lost"
    assert len(promised) == len(in_database | stored(deployment))
    assert {status for sid, status in heard.items() if sid.startswith(f"SM{100:08x}")} == {"503"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a few megabytes, with its own end."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK},mode=0700", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path) -> Path:
    """Write until nothing more goes."""
    path = folder / "filler"
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    return path


@pytest.mark.faults
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a disk that is full; the limit above needs nobody")
def test_a_full_disk_is_met_by_the_ballast_then_by_503_and_mended_by_room_alone(
    small_disk: Path, redis_url: str, request: pytest.FixtureRequest
) -> None:
    instance = small_disk / "instance"
    instance.mkdir()
    shutil.copy(request.getfixturevalue("_migrated_file"), instance / "hotline.db")
    chosen = Settings(
        instance=instance,
        redis_url=redis_url,
        public_url=PUBLIC_URL,
        twilio_auth_tokens=(TWILIO_TOKEN,),
        ballast_mib=2,
        _env_file=None,
    )
    site = Deployment(chosen)
    site.keyring.create_missing()
    (ballast,) = Spool.of(chosen).ballasts
    clock.tend_spool(site)
    assert ballast.there
    line = Line(site)
    heard = {f"SM{number:032x}": post(line, f"SM{number:032x}") for number in range(5)}
    filler = fill(small_disk)
    for number in range(5, 1_500):
        sid = f"SM{number:032x}"
        heard[sid] = post(line, sid)
        if heard[sid] == 503 and not ballast.there and number % 100 == 99:
            break
    assert not ballast.there, "it was given up"
    spooled = Spool.of(chosen).waiting()
    assert len(spooled) > 100
    promised = {sid for sid, status in heard.items() if status == 200}
    assert set(heard.values()) == {200, 503}
    print(f"\nfull disk: {len(promised)} promised, {len(spooled)} of them spooled, {len(heard) - len(promised)} heard 503")  # noqa: T201

    filler.unlink()
    clock.tend_spool(site)
    assert promised <= stored(site), "promised and lost"
    assert Spool.of(chosen).waiting() == []
    assert ballast.there, "made again"
    assert line.client.get("/readyz").json == {"store": "ok", "redis": "ok"}
    site.close()
