"""After a replay nothing that was said and no number stands in clear anywhere but on the screens it was meant for.

Every text carries a word of its own that exists nowhere else, every caller has a number of their own; an officer's reply and
note carry such words as well. The demo's contacts are looked for too. When it has stopped, everything is searched.
"""

import base64
import re
import secrets
import string
import subprocess
import sys
from dataclasses import dataclass

import pytest

from hotline.models import Counter, table
from hotline.simulator.profiles import Role, shipped
from tests.journeys.ledger import Post, invented, owed
from tests.journeys.running import Officer, Running, until
from tests.leaks.evidence import Found, in_titles, on_disk, search

pytestmark = pytest.mark.processes

TEXTS = 120


def canary() -> str:
    """A word that nobody has ever said; long enough not to turn up in random bytes by chance."""
    return "zq" + "".join(secrets.choice(string.ascii_lowercase) for _ in range(14))


@dataclass
class Story:
    """An instance that has stopped after it was told secrets, the secrets, and what was seen while it ran."""

    running: Running
    words: list[str]
    numbers: list[str]
    titles: dict[str, bytes]

    @property
    def needles(self) -> list[str]:
        return self.words + self.numbers


@pytest.fixture
def story(own: Running) -> Story:
    own.start().until_ready()
    words = [canary() for _ in range(TEXTS + 2)]
    titles: dict[str, bytes] = {}
    post = Post(own.site)
    post.send(f"{said} {word}" for said, word in zip(invented(TEXTS), words, strict=False))
    titles |= in_titles(own)
    until(lambda: not owed(own.site, post.sent), 60, "everything is told", every=0.1)
    worked_on(own, reply=words[-2], note=words[-1])
    titles |= in_titles(own)
    assert own.ended() == 0
    contacts = [person.number for person in shipped() if person.role is Role.CONTACT]
    return Story(own, words, [*(one.number for one in post.sent), *contacts], titles)


def worked_on(running: Running, *, reply: str, note: str) -> None:
    """An officer reads the newest case, answers it and leaves a note."""
    officer = Officer(running.desk, "Aline U.")
    opened = re.search(r'href="(/case/[\w-]+)"', officer.get("/queue"))
    assert opened
    page = officer.get(opened.group(1))
    assert officer.post(f"{opened.group(1)}/uncover", page) == 303
    assert officer.post(f"{opened.group(1)}/reply", page, text=f"Thank you. {reply}") == 303
    assert officer.post(f"{opened.group(1)}/note", page, text=f"Seen. {note}") == 303
    assert reply in officer.get(opened.group(1))
    assert note in officer.get(opened.group(1))
    officer.close()


def test_no_word_and_no_number_is_left_in_clear_and_the_search_would_have_found_it(story: Story) -> None:
    disk = on_disk(story.running)
    assert any("appendonly" in where for where in disk), "Redis wrote something to look into"
    assert any(hay for where, hay in disk.items() if where.endswith(("hotline.db", "pg_dump")))
    assert len(disk["up.log"]) > 1000
    assert search(story.needles, disk) == []
    assert search(story.needles, story.titles) == []
    assert plant(story) == found_again(story)


def plant(story: Story) -> set[Found]:
    """Put one secret into each place, each spelled in another way; return what must be found."""
    running, (word, number) = story.running, (story.words[0], story.numbers[0])
    with running.site.db.transaction() as session:
        session.execute(table(Counter).insert().values(name=f"x{number.removeprefix('+250')}x", value=1))
    with running.log.open("a") as log:
        log.write(f"  life text={word.upper()}\n")
    (running.instance / "left.txt").write_bytes(word.encode("utf-16-le"))
    aof = next(path for path in running.instance.rglob("appendonly*.aof*") if path.is_file())
    with aof.open("ab") as file:
        file.write(f"0{number[4:7]} {number[7:10]} {number[10:]}".encode())
    where = "pg_dump" if running.database_url else "instance/hotline.db"
    return {
        Found(number, where),
        Found(word, "up.log"),
        Found(word, "instance/left.txt"),
        Found(number, str(aof.relative_to(running.folder))),
    }


def found_again(story: Story) -> set[Found]:
    """Search for what was planted; SQLite may hold a new row in its journal, which is part of it."""
    found = search([story.words[0], story.numbers[0]], on_disk(story.running))
    return {Found(one.needle, one.where.removesuffix("-wal")) for one in found}


def test_a_secret_in_the_title_of_a_process_would_be_found(tmp_path_factory: pytest.TempPathFactory) -> None:
    running, word = Running(tmp_path_factory.mktemp("title")), canary()
    waiting = [sys.executable, "-c", "input()", word]
    process = subprocess.Popen(waiting, env=running.environment, stdin=subprocess.PIPE)
    until(lambda: process.pid in running.processes(), 10, "it has started")
    assert search([word], in_titles(running)) == [Found(word, f"cmdline of {process.pid}")]
    process.communicate(b"\n", timeout=10)


@pytest.mark.parametrize(
    "written",
    ["+250785000123", "0785 000 123", "785-000-123", "from=%2B250785000123", "785%20000%20123", "\\x3738353030303132330a"],
)
def test_a_number_is_found_however_it_is_written(written: str) -> None:
    assert search(["+250785000123"], {"here": f"… {written} …".encode()}) == [Found("+250785000123", "here")]


@pytest.mark.parametrize("before", ["", "a", "ab"])
def test_a_word_is_found_inside_base64(before: str) -> None:
    hidden = base64.b64encode(f"{before} they said zqcanaryword to me".encode())
    assert search(["zqcanaryword"], {"here": hidden}) == [Found("zqcanaryword", "here")]
