"""Today, the wall and the channels: what a shift sees first, and what each role must not see of it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select

from hotline.gateways.contract import Certainty
from hotline.models import Agency, Attempt, Contact, Duty, GatewayHealth, Message, MessageKind, MessageState, Tier, new_id, table
from hotline.queue import QueueName
from hotline.roles import Role
from hotline.watch.channels import TEST
from tests.console.desk import Desk


def words(desk: Desk, who: str, path: str) -> str:
    page = desk.signed_in(who).get(path)
    assert page.status_code == 200, path
    return re.sub(r"\s+", " ", page.get_data(as_text=True))


def on_duty(desk: Desk, name: str, agency: str = "") -> Contact:
    """Somebody invented who is on duty at every hour."""
    with desk.site.db.transaction() as session:
        body = Agency(id=new_id(), name=agency or f"{name} agency", kind="ngo")
        contact = Contact(
            id=new_id(),
            agency_id=body.id,
            name=name,
            number_index=new_id().encode(),
            number_sealed=b"",
            tier=Tier.DUTY,
            areas=["*"],
            categories=["*"],
            duties=[Duty(weekday=day, start=0, end=0) for day in range(7)],
        )
        session.add(body)
        session.flush()
        session.add(contact)
    return contact


def tried(desk: Desk, result: Certainty, code: str | None = None, *, gateway: str = "simulator", times: int = 1) -> None:
    now = datetime.now(UTC)
    with desk.site.db.transaction() as session:
        for _ in range(times):
            message = Message(
                id=new_id(), direction="out", kind=MessageKind.NOTICE, sealed=b"", gateway=gateway, state="sent", created_at=now
            )
            session.add(message)
            session.flush()
            ended = {"started_at": now, "ended_at": now, "faulty": result is not Certainty.ACCEPTED}
            session.add(Attempt(message_id=message.id, gateway=gateway, result=result, code=code, **ended))


def test_a_shift_begins_with_what_burns(desk: Desk) -> None:
    burning = desk.case(ago=timedelta(minutes=20))
    answered = desk.case(acknowledged_at=datetime.now(UTC))
    climbing = desk.case(urgency="soon", rank=1, next_step_at=datetime.now(UTC) + timedelta(minutes=40))
    later = desk.case(urgency="soon", rank=1, next_step_at=datetime.now(UTC) + timedelta(hours=4))
    own = desk.case(urgency="routine", rank=2, owner_id=desk.officer("intake").id)
    assert desk.signed_in("intake").get("/").location == "/today"
    page = words(desk, "intake", "/today")
    parts = {name: page.split(f'id="{name}-title"')[1] for name in ("burns", "due", "mine")}
    assert burning.handle in parts["burns"].split("due-title")[0]
    assert climbing.handle in parts["due"].split("mine-title")[0]
    assert own.handle in parts["mine"]
    assert answered.handle not in page
    assert later.handle not in page


def test_nothing_to_do_is_said_calmly(desk: Desk) -> None:
    page = words(desk, "intake", "/today")
    assert "Every danger to life has somebody." in page
    assert "You have claimed nothing." in page


def test_who_is_there_is_named_and_too_few_are_said_so(desk: Desk) -> None:
    on_duty(desk, "Invented desk one")
    assert "would reach 1 of two bodies" in words(desk, "supervisor", "/today")
    on_duty(desk, "Invented desk two")
    page = words(desk, "supervisor", "/today")
    assert "Invented desk two" in page
    assert "of two bodies" not in page


def test_an_administrator_sees_how_the_hotline_is_and_no_item(desk: Desk) -> None:
    case = desk.case()
    page = words(desk, "admin", "/today")
    assert case.handle not in page
    assert "simulator works." in page
    assert "Items are not shown to you." in words(desk, "admin", "/wall")


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.ADMIN])
def test_a_wall_shows_how_many_and_nobody(desk: Desk, role: Role) -> None:
    case, contact = desk.case("they took our papers", ago=timedelta(minutes=8)), on_duty(desk, "Invented desk")
    page = words(desk, str(role), "/wall")
    assert ("unanswered" in page) == (role is Role.SUPERVISOR)
    for hidden in (case.handle, case.token, contact.name, "papers", "Possible trafficking", desk.officer(str(role)).display_name):
        assert hidden not in page


def test_what_refreshes_itself_sends_nothing_while_nothing_changes(desk: Desk) -> None:
    browser = desk.signed_in("intake")
    for screen in ("today", "wall"):
        mark = re.search(r'name="mark" value="(\w+)"', browser.get(f"/{screen}").get_data(as_text=True))
        assert mark
        assert browser.get(f"/{screen}/parts?mark={mark[1]}").status_code == 204
    desk.case()
    assert browser.get(f"/wall/parts?mark={mark[1]}").status_code == 200


def test_a_gateway_says_in_plain_words_what_is_wrong(desk: Desk) -> None:
    desk.case()
    tried(desk, Certainty.ACCEPTED)
    tried(desk, Certainty.REFUSED, "401", times=3)
    tried(desk, Certainty.UNKNOWN, "no answer")
    page = words(desk, "supervisor", "/channels")
    assert "3 times</b> <span>The gateway does not accept our key" in page
    assert "once</b> <span>The gateway took the text and did not say" in page
    assert "4 tries went wrong" in page
    assert "Send a test" not in page, "a supervisor sees, an administrator acts"


def test_a_test_goes_to_whom_was_chosen_and_holds_no_item(desk: Desk) -> None:
    contact, browser = on_duty(desk, "Invented desk"), desk.signed_in("admin")
    assert browser.post("/channels/simulator/test", contact=contact.id).status_code == 303
    with desk.site.db.reading() as session:
        sent = session.scalars(select(Message).where(Message.template == TEST)).one()
    assert (sent.contact_id, sent.case_id, sent.gateway, sent.state) == (contact.id, None, "simulator", MessageState.QUEUED)
    assert desk.bell.rung == [QueueName.REPLY]
    assert "Test of" in browser.get("/channels").get_data(as_text=True)
    assert browser.post("/channels/simulator/test", contact="nobody").status_code == 409
    assert browser.post("/channels/nowhere/test", contact=contact.id).status_code == 404


def test_a_gateway_is_left_alone_and_used_again_on_record(desk: Desk) -> None:
    browser, name = desk.signed_in("admin"), "simulator"
    browser.post(f"/channels/{name}/leave-alone")
    assert "Left alone until" in browser.get("/channels").get_data(as_text=True)
    with desk.site.db.reading() as session:
        until = session.get_one(GatewayHealth, name).paused_until
    assert until is not None
    assert timedelta(minutes=55) < until - datetime.now(UTC) <= timedelta(hours=1)
    browser.post(f"/channels/{name}/use-again")
    assert "Left alone until" not in browser.get("/channels").get_data(as_text=True)
    record = words(desk, "auditor", "/record?kind=gateway")
    assert "left a gateway alone for an hour" in record
    assert "had a gateway used again" in record


def test_an_open_breaker_shows_until_when(desk: Desk) -> None:
    now = datetime.now(UTC)
    with desk.site.db.transaction() as session:
        shut = {"name": "simulator", "since": now, "trips": 1, "shut_until": now + timedelta(minutes=2), "paused_until": None}
        session.execute(insert(table(GatewayHealth)), [shut])
    assert "Left alone until" in words(desk, "admin", "/channels")
    assert "<b>simulator is left alone.</b>" in words(desk, "admin", "/today")
