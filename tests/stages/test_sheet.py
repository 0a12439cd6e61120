"""The directory as a sheet: out and back in without a change, and refused as a whole with a sentence for each fault."""

import csv
import io
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from hotline import cli
from hotline.deployment import Deployment
from hotline.models import AuditEvent, Contact, Duty
from hotline.routing import sheet

HEADER = ",".join(sheet.COLUMNS)
GOOD = (
    "New body,independent,On call,+250780000299,en,national,*,*,mon-fri 08:00-17:00;sat 22:00-06:00,"
    "yes,yes,A house,Maman Safi;Safi,X 12,2026-01-02,yes"
)


def written(site: Deployment) -> str:
    with site.db.transaction() as session:
        return sheet.write(session, site, site.db.now(session), actor="test")


def take(site: Deployment, text: str) -> sheet.Changes:
    rows = sheet.read(text, site)
    with site.db.transaction() as session:
        return sheet.take(session, site, rows, site.db.now(session), actor="test")


def faults(site: Deployment, *rows: str, header: str = HEADER) -> list[tuple[int, str]]:
    with pytest.raises(sheet.Refused) as refused:
        sheet.read("\n".join([header, *rows]), site)
    assert all("0780" not in fault.says for fault in refused.value.faults)
    return [(fault.row, fault.column) for fault in refused.value.faults]


def test_what_went_out_comes_back_in_and_changes_nothing(district: Deployment) -> None:
    before = written(district)
    done = take(district, before)
    assert (done.added, done.changed) == (0, len(before.splitlines()) - 1)
    assert written(district) == before


def test_no_cell_is_run_by_a_spreadsheet(district: Deployment) -> None:
    rows = list(csv.DictReader(io.StringIO(written(district))))
    assert rows
    assert all(not cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())


def test_a_new_contact_is_added_with_all_that_is_known_of_them(district: Deployment) -> None:
    assert take(district, f"{HEADER}\n{GOOD}") == sheet.Changes(added=1)
    with district.db.reading() as session:
        one = session.scalars(select(Contact).where(Contact.name == "On call")).unique().one()
        assert (one.agency.kind, one.tier, one.aliases, one.badge) == ("independent", "national", ["Maman Safi", "Safi"], "X 12")
        assert [(duty.weekday, duty.start, duty.end) for duty in sorted(one.duties, key=lambda one: one.weekday)] == [
            *((day, 480, 1020) for day in range(5)),
            (5, 1320, 360),
        ]
        assert f"{one.verified_at:%Y-%m-%d}" == "2026-01-02"
        actions = session.scalars(select(AuditEvent.action)).all()
    assert "directory.imported" in actions


def test_hours_are_written_again_without_a_rest_of_the_old(district: Deployment) -> None:
    take(district, f"{HEADER}\n{GOOD}")
    take(district, f"{HEADER}\n{GOOD.replace('mon-fri 08:00-17:00;sat 22:00-06:00', 'mon 08:00-12:00')}")
    with district.db.reading() as session:
        one = session.scalars(select(Contact).where(Contact.name == "On call")).unique().one()
        held = session.scalars(select(Duty).where(Duty.contact_id == one.id)).all()
    assert [(duty.weekday, duty.start, duty.end) for duty in held] == [(0, 480, 720)]


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        ("+250780000299", "hello", "number"),
        ("+250780000299", "", "number"),
        ("national", "king", "tier"),
        (",en,", ",xx,", "language"),
        ("sat 22:00-06:00", "someday 22:00-06:00", "hours"),
        ("sat 22:00-06:00", "sat 26:00-27:00", "hours"),
        ("sat 22:00-06:00", "mon 08:00-09:00", "hours"),
        ("yes,yes,A house", "perhaps,yes,A house", "minors"),
        ("2026-01-02", "2.1.2026", "verified"),
        ("2026-01-02", "2999-01-01", "verified"),
        ("2026-01-02,yes", "2026-01-02,yes,no,desk@agency", "email"),
        ("2026-01-02,yes", "2026-01-02,yes,no,,http://agency.example/", "webhook"),
        ("On call", "", "name"),
    ],
)
def test_a_fault_is_named_with_its_row_and_column(district: Deployment, old: str, new: str, column: str) -> None:
    assert (3, column) in faults(district, GOOD, GOOD.replace("0299", "0298").replace(old.replace("0299", "0298"), new, 1))


def test_every_fault_is_named_at_once(district: Deployment) -> None:
    bad = GOOD.replace("national", "king").replace("2026-01-02", "soon")
    other = GOOD.replace("0299", "0298").replace(",en,", ",xx,")
    assert faults(district, bad, other) == [(2, "tier"), (2, "verified"), (3, "language")]


def test_a_column_that_is_missing_or_unknown_a_row_too_long_and_a_number_twice(district: Deployment) -> None:
    assert faults(district, header="agency,moon") == [
        *((1, name) for name in sheet.NEEDED if name != "agency"),
        (1, "moon"),
    ]
    assert faults(district, f"{GOOD},no,,,yes,no,more") == [(2, "")]
    assert faults(district, GOOD, GOOD) == [(3, "number")]


OFFICE = "An office,embassy,Consul,,en,national,*,*,,yes,no,,,,,,no,consul@office.example,"


def test_who_has_no_phone_is_known_by_agency_and_name_and_may_get_one_later(district: Deployment) -> None:
    assert take(district, f"{HEADER}\n{OFFICE}") == sheet.Changes(added=1)
    before = written(district)
    assert take(district, before).added == 0
    assert written(district) == before
    assert take(district, f"{HEADER}\n{OFFICE.replace('Consul,,', 'Consul,+250780000299,')}") == sheet.Changes(changed=1)
    with district.db.reading() as session:
        (one,) = session.scalars(select(Contact).where(Contact.name == "Consul")).unique().all()
    assert sheet.cells(district, one)["number"] == "+250780000299"
    assert take(district, f"{HEADER}\n{OFFICE}") == sheet.Changes(changed=1), "an empty number leaves the one there is"


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (OFFICE.replace("consul@office.example", ""), "number"),
        (OFFICE.replace("yes,no,", "yes,yes,"), "last_resort"),
        (f"{GOOD},no,,,yes,yes", "last_resort"),
    ],
    ids=["nothing to tell them by", "a last resort without a phone", "a last resort abroad"],
)
def test_whom_nobody_could_wake_is_refused(district: Deployment, row: str, column: str) -> None:
    assert faults(district, row) == [(2, column)]


def test_a_partner_abroad_is_told_only_once_somebody_says_so(district: Deployment) -> None:
    lines = [OFFICE.replace("no,,,,,,no", f"no,,,,,{active},no") + ",yes,yes" for active in ("", "yes")]
    (quiet,), (told,) = (sheet.read(f"{HEADER}\n{line}", district) for line in lines)
    assert (quiet.abroad, quiet.active, told.active) == (True, False, True)


def test_a_sheet_that_leaves_no_last_resort_changes_nothing(district: Deployment) -> None:
    before = written(district)
    with pytest.raises(sheet.Refused):
        take(district, before.replace(",yes,yes,", ",yes,no,"))
    assert written(district) == before


def test_the_command_line_takes_all_or_nothing(district: Deployment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("hotline.cli.directory.load", lambda: district.settings)
    out, bad, good = (tmp_path / name for name in ("out.csv", "bad.csv", "good.csv"))
    bad.write_text(f"{HEADER}\n{GOOD}\n{GOOD.replace('0299', '0298').replace('national', 'king')}")
    good.write_text(f"{HEADER}\n{GOOD}")

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(cli.main, ["directory", *words])
        return done.exit_code, done.output

    assert run("export", str(out))[0] == 0
    assert out.stat().st_mode & 0o077 == 0
    assert run("export", str(out))[0] == 1
    code, said = run("import", str(bad))
    assert code == 1
    assert "row 3, tier: This is one of duty" in said
    assert "Nothing was changed" in said
    assert run("import", "--check", str(good)) == (0, "1 contacts, nothing wrong.\n")
    assert run("import", str(good)) == (0, "1 added, 0 written again.\n")
    listed = run("ls")[1]
    assert "On call" in listed
    assert "+250" not in listed
