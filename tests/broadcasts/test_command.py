"""`hotline broadcast` from a list to a report, as somebody at the command line walks it."""

from pathlib import Path

import openpyxl
import pyotp
import pytest
from click.testing import CliRunner, Result

from hotline.cli import lists, main
from hotline.models import BroadcastState, Subscriber
from hotline.officers import enrol
from hotline.roles import Role
from tests.broadcasts.casting import Casts, number

PASSWORD = "an invented password"


class Keyboard:
    """The command line of one deployment, with a broadcaster and a supervisor."""

    def __init__(self, casts: Casts) -> None:
        self.casts = casts
        with casts.site.db.transaction() as session:
            people = (("jeanne", Role.BROADCASTER), ("paul", Role.SUPERVISOR), ("eve", Role.INTAKE))
            addresses = {
                name: enrol(session, casts.site, name=name, display_name=name, role=role, password=PASSWORD)
                for name, role in people
            }
        self.totp = {name: pyotp.parse_uri(address) for name, address in addresses.items()}

    def __call__(self, *words: str, fails: str = "") -> str:
        result: Result = CliRunner().invoke(main, ["broadcast", *words])
        assert result.exit_code == (1 if fails else 0), result.output
        assert fails in result.output
        return result.output

    def code(self, name: str) -> str:
        return str(self.totp[name].at(self.casts.now))


@pytest.fixture
def type_(casts: Casts, monkeypatch: pytest.MonkeyPatch) -> Keyboard:
    monkeypatch.setattr(lists, "load", lambda: casts.site.settings)
    monkeypatch.setattr(lists, "Deployment", lambda _: casts.site)
    monkeypatch.setattr(casts.site, "close", lambda: None)
    return Keyboard(casts)


def test_a_broadcast_from_its_list_to_its_report(casts: Casts, type_: Keyboard, tmp_path: Path) -> None:
    assert "no list yet" in type_("lists")
    assert "JOIN RUSIZI" in type_("list", "Rusizi", "Market women")
    file = tmp_path / "attendance.csv"
    lines = "".join(f"{number(place)},Meeting (invented),2026-11-20,en\n" for place in range(600))
    file.write_text(f"phone,consent source,consent date,language\n{lines}nobody,,2026-11-20,\n")
    told = type_("import", "rusizi", str(file))
    assert "600 new, 0 known, 0 named again, 1 lines not taken" in told
    assert "602  phone" in told
    assert "nobody" not in told, "no word of the file is repeated"
    assert "600" in type_("lists")

    made = type_("new", "Offers", "--from", "job_abroad", "--list", "rusizi", "--by", "jeanne").strip()
    checked = type_("check", made, "--by", "jeanne")
    assert "600 people, 600 segments" in checked
    assert "native reader" in checked
    signing = ("--password", PASSWORD, "--people", "600")
    type_("approve", made, "--by", "jeanne", "--code", type_.code("jeanne"), *signing, fails="nobody who may approve")
    type_("approve", made, "--by", "paul", "--code", "000000", *signing, fails="nobody who may approve")
    type_("approve", made, "--by", "eve", "--code", type_.code("eve"), *signing, fails="nobody who may approve")
    type_("send", made, "--by", "jeanne", fails="moved on")
    assert "Approved" in type_("approve", made, "--by", "paul", "--code", type_.code("paul"), *signing)
    assert "Scheduled" in type_("send", made, "--by", "jeanne")

    casts.tick(seconds=1)
    assert "Paused" in type_("pause", made, "--by", "jeanne")
    casts.line.work()
    assert casts.line.sent == []
    assert "goes on" in type_("resume", made, "--by", "jeanne")
    casts.line.work()
    casts.tick(seconds=5)
    assert len(casts.line.sent) == 600
    assert "100 %" in type_("watch", made)
    assert "600" in type_("report", made)
    assert "25078,en,text,sent,,600" in type_("report", made, "--csv")
    assert type_("report", made, "--xlsx", str(tmp_path / "report.xlsx")) == ""
    assert openpyxl.load_workbook(tmp_path / "report.xlsx").active["F2"].value == 600
    assert "done" in type_("report")
    assert all(one not in type_("report", made) for one in (number(0), number(0)[4:]))


def test_what_may_not_be_done_is_a_sentence(casts: Casts, type_: Keyboard, tmp_path: Path) -> None:
    casts.people("market", 30)
    type_("list", "7788", "x", fails="begins with a letter")
    type_("list", "market", "x", fails="such a list already")
    file = tmp_path / "x.csv"
    file.write_text("name\nx\n")
    type_("import", "market", str(file), fails="must name the columns")
    type_("import", "nowhere", str(file), fails="no such list")
    type_("new", "x", "--list", "market", "--by", "eve", fails="nobody who may")
    type_("new", "x", "--list", "market", "--text", "en", "--by", "jeanne", fails="NAME=VALUE")
    type_("new", "x", "--from", "nothing", "--list", "market", "--by", "jeanne", fails="no such text")
    made = type_("new", "x", "--list", "market", "--text", "en=Call the police", "--by", "jeanne").strip()
    checked = type_("check", made, "--by", "jeanne")
    assert "It says a word that tells" in checked
    assert "It may not be sent so" in checked
    type_("report", "0" * 32, fails="no such broadcast")
    type_("stop", made, "--name", "y", "--by", "jeanne", fails="not its name")
    type_("pause", made, "--by", "jeanne", fails="moved on")
    assert casts.row(made)["state"] == BroadcastState.DRAFT


def test_somebody_can_be_let_go_and_nothing_tells_whether_they_were_on_a_list(casts: Casts, type_: Keyboard) -> None:
    (phone, *_) = casts.people("market", 30)
    told = type_("leave", phone)
    assert told == type_("leave", "0788888888")
    assert [row["left_at"] is None for row in casts.line.rows(Subscriber)].count(False) == 1
    type_("leave", "MTN", fails="no phone number")


def test_the_library_names_its_sources(type_: Keyboard) -> None:
    assert "ILO" in type_("library")
