"""The team: invited by a link that opens once, given roles, struck off at once. All people are invented."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import urlsplit

import pyotp
import pytest
from sqlalchemy import select, update

from hotline.models import AuditEvent, CaseState, Invitation, table
from hotline.roles import Role
from tests.console.desk import ORIGIN, Browser, Desk

OWN_WORDS = "seven lakes under one roof"


def invited(browser: Browser, name: str = "espe", role: str = "intake") -> str:
    """Invite somebody and return the path of the link the page shows."""
    page = unescape(browser.post("/team/invite", name=name, display_name="Espérance M.", role=role).get_data(as_text=True))
    return urlsplit(shown_link(page)).path


def shown_link(page: str) -> str:
    found = re.search(rf'value="({re.escape(ORIGIN)}/welcome/[^"]+)"', page)
    assert found, page
    return found.group(1)


def code_on(page: str) -> str:
    """The code an authenticator shows that was given the secret written on the page."""
    found = re.search(r'class="secret">([A-Z2-7 ]+)<', page)
    assert found
    return pyotp.TOTP(found.group(1).replace(" ", "")).now()


def join(
    desk: Desk, path: str, *, password: str = OWN_WORDS, again: str | None = None, code: str | None = None
) -> tuple[int, str]:
    newcomer = desk.browser()
    page = newcomer.get(path).get_data(as_text=True)
    proof = code_on(page) if code is None else code
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    typed = {"password": password, "again": password if again is None else again, "code": proof}
    answer = newcomer.post(path, token=token.group(1), **typed)
    return answer.status_code, unescape(answer.get_data(as_text=True))


def deeds(desk: Desk) -> list[tuple[str, str, str]]:
    with desk.site.db.reading() as session:
        rows = session.scalars(select(AuditEvent).order_by(AuditEvent.seq)).all()
    return [(row.actor, row.action, row.object) for row in rows]


def test_whoever_opens_the_link_chooses_a_password_and_signs_in_with_it(desk: Desk) -> None:
    path = invited(desk.signed_in("admin"))
    assert join(desk, path)[0] == 303
    espe = desk.officer("espe")
    assert (espe.display_name, espe.role, espe.active) == ("Espérance M.", "intake", True)
    secret = desk.site.keyring.fields.open_text(espe.totp_sealed, f"officer|totp|{espe.id}")
    door = desk.browser()
    answer = door.post("/sign-in", name="espe", password=OWN_WORDS, code=pyotp.TOTP(secret).now())
    assert (answer.status_code, answer.location) == (303, "/")
    assert ("officer:admin", "officer.invited", "espe") in deeds(desk)
    assert ("officer:espe", "officer.joined", "espe") in deeds(desk)


def test_a_link_opens_once(desk: Desk) -> None:
    path = invited(desk.signed_in("admin"))
    assert join(desk, path)[0] == 303
    assert desk.browser().get(path).status_code == 404


@pytest.mark.parametrize("how", ["too late", "withdrawn", "made up"])
def test_a_link_that_does_not_open_looks_like_no_page_at_all(desk: Desk, how: str) -> None:
    admin = desk.signed_in("admin")
    path = invited(admin)
    if how == "too late":
        with desk.site.db.transaction() as session:
            session.execute(update(table(Invitation)).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    elif how == "withdrawn":
        with desk.site.db.reading() as session:
            (invitation,) = session.scalars(select(Invitation))
        assert admin.post(f"/team/withdraw/{invitation.id}").status_code == 303
        assert "espe" not in admin.get("/team").get_data(as_text=True)
    else:
        path = "/welcome/made-up"
    gone, nowhere = desk.browser().get(path), desk.browser().get("/nowhere")
    assert (gone.status_code, gone.data) == (404, nowhere.data)


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ({"password": "too short"}, "15 to 128 characters"),
        ({"again": "something else entirely"}, "not the same"),
        ({"code": "000000"}, "That code was not right"),
        ({"code": ""}, "That code was not right"),
    ],
)
def test_what_does_not_do_is_said_and_the_link_still_opens(desk: Desk, typed: dict[str, str], why: str) -> None:
    path = invited(desk.signed_in("admin"))
    status, page = join(desk, path, **typed)
    assert status == 422
    assert why in page
    assert join(desk, path)[0] == 303


def test_the_same_secret_is_shown_however_often_the_page_is_loaded_and_stands_nowhere_in_clear(desk: Desk) -> None:
    path = invited(desk.signed_in("admin"))
    first, second = (desk.browser().get(path).get_data(as_text=True) for _ in range(2))
    assert code_on(first) == code_on(second)
    with desk.site.db.reading() as session:
        (invitation,) = session.scalars(select(Invitation))
    assert path.rpartition("/")[2].encode() not in invitation.token_hash
    assert b"otpauth" not in invitation.totp_sealed


@pytest.mark.parametrize(
    ("name", "role", "why"), [("second", "intake", "taken"), (" ", "intake", "1 to 64"), ("x", "king", "Choose")]
)
def test_an_invitation_that_cannot_be_says_why_and_keeps_what_was_typed(desk: Desk, name: str, role: str, why: str) -> None:
    answer = desk.signed_in("admin").post("/team/invite", name=name, display_name="Kept Name", role=role)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert why in page
    assert "Kept Name" in page


def test_one_name_is_invited_once_at_a_time(desk: Desk) -> None:
    admin = desk.signed_in("admin")
    invited(admin)
    assert admin.post("/team/invite", name="espe", role="intake").status_code == 422


def test_a_role_counts_from_the_next_click(desk: Desk) -> None:
    theirs, admin = desk.signed_in("second"), desk.signed_in("admin")
    assert theirs.get("/queue").status_code == 200
    assert admin.post(f"/team/{desk.officer('second').id}/role", role="presenter").status_code == 303
    assert theirs.get("/queue").status_code == 404
    assert ("officer:admin", "officer.role", "second") in deeds(desk)


def test_whoever_is_struck_off_is_out_at_once_and_their_items_are_in_new_again(desk: Desk) -> None:
    theirs, admin = desk.signed_in("second"), desk.signed_in("admin")
    case = desk.case()
    assert theirs.post(f"/case/{case.token}/claim", version="0").status_code == 303
    assert "1 back to the queue" in admin.get("/team").get_data(as_text=True)
    answer = admin.post(f"/team/{desk.officer('second').id}/strike-off")
    assert answer.status_code == 303
    assert theirs.get("/queue").location == "/sign-in"
    again = desk.again(case)
    assert (again.owner_id, again.state) == (None, CaseState.NEW)
    assert "Struck off" in admin.get("/team").get_data(as_text=True)


def test_a_striking_off_can_be_undone(desk: Desk) -> None:
    admin, second = desk.signed_in("admin"), desk.officer("second").id
    admin.post(f"/team/{second}/strike-off")
    with pytest.raises(AssertionError):
        desk.signed_in("second")
    assert admin.post(f"/team/{second}/let-in").status_code == 303
    assert desk.signed_in("second").get("/queue").status_code == 200


@pytest.mark.parametrize(("act", "fields"), [("strike-off", {}), ("role", {"role": "intake"})])
def test_the_last_administrator_stays(desk: Desk, act: str, fields: dict[str, str]) -> None:
    admin, admin_id = desk.signed_in("admin"), desk.officer("admin").id
    answer = admin.post(f"/team/{admin_id}/{act}", **fields)
    assert answer.status_code == 409
    assert "last administrator" in answer.get_data(as_text=True)
    desk.enrol("deputy", Role.ADMIN)
    assert admin.post(f"/team/{admin_id}/{act}", **fields).status_code == 303
    me = desk.officer("admin")
    assert not me.active or me.role == "intake"


def test_a_lost_phone_is_mended_by_a_new_link_and_the_old_password_is_worth_nothing(desk: Desk) -> None:
    theirs, admin, before = desk.signed_in("second"), desk.signed_in("admin"), desk.officer("second")
    page = unescape(admin.post(f"/team/{before.id}/renew").get_data(as_text=True))
    assert theirs.get("/queue").status_code == 200, "nothing changes before the link is used"
    assert join(desk, urlsplit(shown_link(page)).path)[0] == 303
    after = desk.officer("second")
    assert after.id == before.id
    assert after.password_hash != before.password_hash
    assert after.totp_sealed != before.totp_sealed
    assert theirs.get("/queue").location == "/sign-in"


def test_a_second_new_link_closes_the_first(desk: Desk) -> None:
    admin, second = desk.signed_in("admin"), desk.officer("second").id
    first, later = (
        urlsplit(shown_link(unescape(admin.post(f"/team/{second}/renew").get_data(as_text=True)))).path for _ in range(2)
    )
    assert [desk.browser().get(path).status_code for path in (first, later)] == [404, 200]


def test_signing_somebody_out_everywhere_lets_them_come_back(desk: Desk) -> None:
    theirs, admin, second = desk.signed_in("second"), desk.signed_in("admin"), desk.officer("second").id
    assert "signed in" in admin.get("/team").get_data(as_text=True)
    assert admin.post(f"/team/{second}/sign-out").status_code == 303
    assert theirs.get("/queue").location == "/sign-in"
    assert desk.signed_in("second").get("/queue").status_code == 200


def test_an_administrator_comes_to_the_team_and_sees_no_queue(desk: Desk) -> None:
    admin = desk.signed_in("admin")
    assert admin.get("/").location == "/today"
    page = admin.get("/team").get_data(as_text=True)
    assert "/queue" not in page
