"""What agencies owe: by agency, for the weekly talk; nothing of it to whom a case is kept from."""

from datetime import UTC, datetime, timedelta

from click.testing import CliRunner
from sqlalchemy import select

from hotline.cli import main
from hotline.models import Case, Referral, ReferralState
from tests.console.desk import Desk


def told(desk: Desk, case: Case, name: str, *, ago: timedelta, **after: object) -> None:
    contact = desk.tell(case, name)
    with desk.site.db.transaction() as session:
        one = session.scalars(select(Referral).where(Referral.contact_id == contact.id)).one()
        one.told_at = datetime.now(UTC) - ago
        for field, value in after.items():
            setattr(one, field, value)


def test_what_was_not_answered_stands_under_its_agency_and_what_was_does_not(desk: Desk) -> None:
    now, hour = datetime.now(UTC), timedelta(hours=1)
    silent, fresh, ended, working = (desk.case(f"report {number}") for number in range(4))
    told(desk, silent, "Silent post", ago=30 * hour)
    told(desk, fresh, "Quick post", ago=timedelta(minutes=20))
    told(desk, ended, "Done post", ago=50 * hour, state=ReferralState.OUTCOME, answered_at=now - 49 * hour)
    told(desk, working, "Slow post", ago=60 * hour, state=ReferralState.ACCEPTED, accepted_at=now - 50 * hour)
    told(desk, desk.case("long ago"), "Old post", ago=timedelta(days=9))
    page = " ".join(desk.signed_in("supervisor").get("/owed").get_data(as_text=True).split())
    assert "Silent post agency<small>1 not answered, 0 without news" in page
    assert "Slow post agency<small>0 not answered, 1 without news" in page
    assert silent.handle in page
    for name in ("Quick post", "Done post", "Old post"):
        assert name not in page
    assert "Old post" in desk.signed_in("supervisor").get("/owed?days=14").get_data(as_text=True)
    auditor = desk.signed_in("auditor").get("/owed").get_data(as_text=True)
    assert silent.handle in auditor
    assert silent.token not in auditor
    asked = CliRunner().invoke(main, ["owed"], env={"HOTLINE_INSTANCE": str(desk.site.settings.instance), "COLUMNS": "200"})
    assert asked.exit_code == 1
    assert silent.handle in asked.output
    assert "Quick post" not in asked.output


def test_when_nobody_owes_anything_the_page_says_so(desk: Desk) -> None:
    assert "Nobody owes anything" in desk.signed_in("intake").get("/owed").get_data(as_text=True)
