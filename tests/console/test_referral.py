"""What an agency says by phone is noted on the case page, fact by fact and step by step, and can be printed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select
from werkzeug.test import TestResponse

from hotline.casework import tracks
from hotline.cli import main
from hotline.config import Settings
from hotline.models import Case, LegalTrack, Referral, ReferralState, SharedFact, Track
from hotline.roles import MATRIX, May, Role
from tests.console.desk import Browser, Desk
from tests.console.test_hidden import keep_from


def text(answer: TestResponse) -> str:
    return " ".join(answer.get_data(as_text=True).split())


def told(desk: Desk) -> tuple[Case, str]:
    case = desk.case()
    desk.tell(case, "Invented post")
    with desk.site.db.reading() as session:
        return case, session.scalars(select(Referral.id)).one()


def state(desk: Desk) -> Referral:
    with desk.site.db.reading() as session:
        return session.scalars(select(Referral)).unique().one()


def send(browser: Browser, case: Case, one: str, step: str, **fields: str) -> int:
    return int(browser.post(f"/case/{case.token}/referral/{one}/{step}", **fields).status_code)


def test_the_way_of_a_referral_is_noted_and_told_on_the_page(desk: Desk) -> None:
    case, one = told(desk)
    intake = desk.signed_in("intake")
    assert send(intake, case, one, "accept") == 303
    assert state(desk).state == ReferralState.ACCEPTED
    assert send(intake, case, one, "share", fact="place", ground="danger") == 303
    assert send(intake, case, one, "outcome", outcome="rescued") == 303
    page = intake.get(f"/case/{case.token}").get_data(as_text=True)
    for words in ("works on it", "people were rescued", "Where · Danger to life"):
        assert words in page, words
    printed = intake.get(f"/case/{case.token}/referral").get_data(as_text=True)
    assert "People were rescued" in printed
    assert "danger to life" in printed
    assert "they took our papers" not in printed


def test_who_declines_has_a_reason(desk: Desk) -> None:
    case, one = told(desk)
    assert send(desk.signed_in("intake"), case, one, "decline", reason="no_means") == 303
    assert (state(desk).state, state(desk).reason) == (ReferralState.DECLINED, "no_means")
    assert "nobody or nothing to go with" in desk.signed_in("intake").get(f"/case/{case.token}").get_data(as_text=True)


@pytest.mark.parametrize(
    ("step", "fields", "status"),
    [
        ("decline", {"reason": "because"}, 400),
        ("outcome", {"outcome": "great"}, 400),
        ("share", {"fact": "number", "ground": "consent"}, 400),
        ("share", {"fact": "place", "ground": "curiosity"}, 400),
        ("share", {"ground": "consent"}, 303),
    ],
)
def test_what_is_none_changes_nothing(desk: Desk, step: str, fields: dict[str, str], status: int) -> None:
    case, one = told(desk)
    assert send(desk.signed_in("intake"), case, one, step, **fields) == status
    assert state(desk).state == ReferralState.TOLD
    with desk.site.db.reading() as session:
        assert session.scalars(select(SharedFact)).all() == []


def test_a_referral_of_another_case_or_one_that_was_withdrawn_is_not_there(desk: Desk) -> None:
    case, one = told(desk)
    other = desk.case()
    assert send(desk.signed_in("intake"), other, one, "accept") == 404
    with desk.site.db.transaction() as session:
        session.get_one(Referral, one).state = ReferralState.WITHDRAWN
    assert send(desk.signed_in("intake"), case, one, "accept") == 409


def test_each_step_is_for_those_who_work_cases(desk: Desk) -> None:
    case, one = told(desk)
    for role in Role:
        if May.WORK_CASE not in MATRIX[role]:
            for step in ("accept", "decline", "outcome", "share"):
                assert send(desk.signed_in(str(role)), case, one, step) == 404, f"{role} {step}"
    assert state(desk).state == ReferralState.TOLD


def test_a_track_in_law_is_proposed_by_triage_chosen_by_a_person_and_stands_with_its_ground_wherever_it_matters(
    desk: Desk,
) -> None:
    case, one = told(desk)
    intake, here = desk.signed_in("intake"), f"/case/{case.token}"
    assert "What was told speaks for: somebody tells of others" in text(intake.get(here))
    assert "Nobody has chosen one." in text(intake.get(f"{here}/referral"))
    assert intake.post(f"{here}/track", track="third_party", ground="consent").status_code == 303
    assert "That ground is none of this track" in text(intake.get(here))
    assert intake.post(f"{here}/track", track="third_party", ground="nonsense").status_code == 400
    assert intake.post(f"{here}/track", track="child", ground="child").status_code == 303
    with desk.site.db.transaction() as session:
        row = session.scalars(select(LegalTrack)).one()
        assert row.due_at == session.get_one(Case, case.id).opened_at + timedelta(hours=1)
        row.due_at = datetime.now(UTC) - timedelta(hours=3)
    assert "Overdue: somebody was to take it by" in text(intake.get(here))
    assert "Past the deadline in law" in text(intake.get("/owed"))
    late = CliRunner().invoke(main, ["owed"], env={"HOTLINE_INSTANCE": str(desk.site.settings.instance), "COLUMNS": "200"})
    assert case.handle in late.output
    assert late.exit_code == 1
    keep_from(desk, case, f"officer:{desk.officer('second').id}")
    assert "Past the deadline" not in text(desk.signed_in("second").get("/owed"))
    assert send(intake, case, one, "accept") == 303
    printed = text(intake.get(f"{here}/referral"))
    for words in ("A child is harmed.", "Ground: a child is harmed.", "too late", "art. 3", "not read in the Official Gazette"):
        assert words in printed, words
    assert "Past the deadline in law" not in text(intake.get("/owed"))
    assert "chose a track in law" in text(desk.signed_in("auditor").get("/record"))


@pytest.mark.parametrize(
    ("category", "minors", "value", "track"),
    [
        ("trafficking", "true", "self", Track.CHILD),
        ("trafficking", "unknown", "self", Track.SELF_REPORT),
        ("labour_abuse", "false", "weapon", Track.THIRD_PARTY),
        ("question", "true", "self", None),
    ],
)
def test_a_child_comes_before_who_tells_of_it(category: str, minors: str, value: str, track: Track | None) -> None:
    assert tracks.propose(category, minors, [{"rule": "invented", "axis": "danger", "value": value}]) is track


def test_a_file_of_tracks_is_read_whole_or_refused(tmp_path: Path) -> None:
    shipped = tracks.SHIPPED.read_text(encoding="utf-8")
    chosen = Settings(templates=tmp_path, _env_file=None)
    (tmp_path / "tracks.toml").write_text(shipped.replace("hours = 24", "hours = 0"), encoding="utf-8")
    with pytest.raises(tracks.Unfit):
        tracks.known(chosen)
