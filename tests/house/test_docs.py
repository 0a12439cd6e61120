"""What the docs say is so: links lead somewhere, files and tests they name exist, recipes work, tables are those of the code."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from hotline.deployment import Deployment
from hotline.models import Base, Contact
from hotline.outbound.doubt import ALERT_AGAIN, BACK_OFF, FOLDED_AGAIN, LIFE_AGAIN, LIFE_LATER
from hotline.roles import MATRIX, May, Role
from hotline.routing import directory, sheet

HOUSE = Path(__file__).parents[2]
PAGES = [*sorted(HOUSE.glob("*.md")), *sorted((HOUSE / "docs").rglob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
NAMED_FILE = re.compile(r"`((?:hotline|workers|tests|docs|tools|benchmarks|message_templates|frontend|\.ci)/[\w./<>-]*)")
NAMED_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
TARGET = re.compile(r"`make ([a-z-]+)`")
SECTIONS = ["Context", "Decision", "Status", "Consequences"]


def ids(path: Path) -> str:
    return path.relative_to(HOUSE).as_posix()


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as code hosts make them."""
    words = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in words}


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        file, _, anchor = target.partition("#")
        if target.startswith(("https://", "mailto:")):
            continue
        there = (page.parent / file).resolve() if file else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_file_test_and_target_that_is_named_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    files = {name for name in NAMED_FILE.findall(text) if "<" not in name}
    makefile = (HOUSE / "Makefile").read_text(encoding="utf-8")
    assert {name for name in files if not (HOUSE / name).exists()} == set()
    assert {f"{file}::{name}" for file, name in NAMED_TEST.findall(text) if not has_test(HOUSE / file, name)} == set()
    assert {name for name in TARGET.findall(text) if not re.search(rf"^{name}:", makefile, re.MULTILINE)} == set()


def test_promises_name_the_tests_that_prove_them() -> None:
    table = [line for line in read("docs/safety.md").splitlines() if line.startswith("| P")]
    assert len(table) >= 10
    assert [line for line in table if not NAMED_TEST.search(line)] == []


def test_the_table_of_rights_is_the_one_the_guard_asks() -> None:
    head = "| May … | " + " | ".join(str(role) for role in Role) + " |"
    rows = [f"| {act} | " + " | ".join("yes" if act in MATRIX[role] else "-" for role in Role) + " |" for act in May]
    page = read("docs/safety.md")
    assert [line for line in (head, *rows) if line not in page] == []


def test_the_waits_after_a_doubtful_sending_are_those_of_the_code() -> None:
    page, (first, *later) = read("docs/safety.md"), BACK_OFF
    assert f"again after {first.seconds} s, {', '.join(str(wait.seconds // 60) for wait in later)} min" in page
    assert f"again after {LIFE_AGAIN.seconds} s, by the other gateway" in page
    assert f"every {LIFE_AGAIN.seconds} s while it is valid" in page
    assert f"tries every {LIFE_LATER.seconds // 60} min, until somebody answers" in page
    assert f"once more after {ALERT_AGAIN.seconds} s, then left as unknown" in page
    assert f"is given it again after {FOLDED_AGAIN.seconds} s" in page


def test_every_table_stands_in_the_page_of_what_is_stored() -> None:
    rows = [line.strip("| ").split("|") for line in read("docs/privacy.md").splitlines() if line.count("|") == 5]
    named = {name for row in rows if row[0].startswith("`") for name in re.findall(r"`([a-z_]+)`", row[0])}
    assert named == set(Base.metadata.tables)


def test_a_decision_has_its_four_parts_and_stands_in_the_list() -> None:
    listed = read("docs/adr/README.md")
    decisions = sorted((HOUSE / "docs" / "adr").glob("0*.md"))
    assert len({path.name[:4] for path in decisions}) == len(decisions), "two pages share a number"
    for path in decisions:
        text = path.read_text(encoding="utf-8")
        title = text.splitlines()[0].removeprefix(f"# {path.name[:4]} ")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS, path.name
        assert f"| [{path.name[:4]}]({path.name}) | {title} |" in listed


def test_the_sheet_of_contacts_works_as_it_is_written(deployment: Deployment) -> None:
    rows = sheet.read(next(blocks("docs/add-a-contact.md", "csv")), deployment)
    with deployment.db.transaction() as session:
        sheet.take(session, deployment, rows, deployment.db.now(session), actor="test")
    with deployment.db.reading() as session:
        contacts = {one.number_index for one in session.scalars(select(Contact)).unique()}
        centre = next(entry for entry in directory.load(session) if entry.agency_kind == "isange")
    assert deployment.number_index("+250780000205") in contacts
    assert (len(centre.hours), centre.last_resort, centre.station) == (5, False, "Gihundwe hospital")


def test_the_readme_is_one_screen_and_shows_what_it_says() -> None:
    text = read("README.md")
    assert len(text.splitlines()) <= 75
    assert (HOUSE / "docs" / "screens" / "phones-and-queue.png").stat().st_size > 50_000
    assert "make run" in text
    assert "make test" in text


def blocks(page: str, language: str) -> Iterator[str]:
    """Yield the code blocks of a page in one language."""
    yield from re.findall(rf"^```{language}\n(.*?)^```", read(page), re.MULTILINE | re.DOTALL)


def has_test(file: Path, name: str) -> bool:
    return file.exists() and f"def {name}(" in file.read_text(encoding="utf-8")


def read(page: str) -> str:
    return (HOUSE / page).read_text(encoding="utf-8")
