"""An officer and who reported a case are joined by phone: officer first, by a key, and neither learns the other's number.

People and numbers are invented.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from hotline import own_phone
from hotline.casework import bridge as asking
from hotline.casework.bridge import Bar, CannotCall
from hotline.deployment import Deployment
from hotline.gateways.bridging import LONGEST_TALK
from hotline.gateways.contract import Certainty, Sent
from hotline.gateways.voice import Far, bridge_of
from hotline.models import (
    AuditEvent,
    Base,
    BridgedCall,
    BridgedState,
    Caller,
    Case,
    CaseKey,
    Exclusion,
    Inbox,
    Officer,
    Report,
    Stage,
    VoiceCall,
    new_id,
)
from hotline.outbound import bridge
from hotline.outbound.bridge import Word
from tests.line import Line, fill_directory
from tests.stages.test_beeps import Answered

CALLER, PHONE = "+250780000101", "+250780000291"
OURS = "+250788000000"
SAID = "They took our papers near the market, please call me"


@pytest.fixture
def line(deployment: Deployment, tmp_path: Path) -> Line:
    deployment.settings = deployment.settings.model_copy(update={"voice_gateway": "twilio", "voice_number": OURS})
    fill_directory(deployment, tmp_path)
    made = Line(deployment)
    made.later(hours=12)
    made.says(CALLER, SAID)
    with deployment.db.transaction() as session:
        officer = Officer(id=new_id(), name="aline", display_name="Aline U.", role="intake", password_hash="", totp_sealed=b"")
        session.add(officer)
        session.flush()
        own_phone.keep(session, deployment, officer, (PHONE, PHONE), now=made.now)
    return made


def delete_key(session: Session, line: Line) -> None:
    session.delete(session.get_one(CaseKey, line.case()["id"]))


def exclude(session: Session, line: Line) -> None:
    about = {"subject": f"officer:{line.rows(Officer)[0]['id']}", "cause": "named", "state": "standing", "sealed": b""}
    session.add(Exclusion(id=new_id(), case_id=line.case()["id"], at=line.now, **about))


def ask_in(session: Session, line: Line, *, confirmed: bool = True, after: timedelta = timedelta()) -> None:
    """Let the officer ask for a call about the one case there is."""
    case, officer = session.get_one(Case, line.case()["id"]), session.get_one(Officer, line.rows(Officer)[0]["id"])
    asking.ask(session, line.site, case, officer=officer, confirmed=confirmed, now=line.now + after)


def ask(line: Line, **how: Any) -> None:
    with line.site.db.transaction() as session:
        ask_in(session, line, **how)


def set_all(model: type[Base], **values: object) -> Callable[[Session, Line], object]:
    """Return what changes every row of a table."""
    return lambda session, _: session.execute(update(model).values(**values))


def placed(line: Line) -> list[tuple[str, str]]:
    before = len(line.carriers["twilio"].called)
    bridge.place_calls(line.site)
    return line.carriers["twilio"].called[before:]


def call(line: Line) -> BridgedCall:
    with line.reading() as session:
        (row,) = line.rows(BridgedCall)
        return session.get_one(BridgedCall, row["id"])


def rung(line: Line) -> Answered:
    """Ask for a call and pick up the officer's phone."""
    ask(line)
    ((number, name),) = placed(line)
    assert number == PHONE
    return Answered(line, name)


def verbs(heard: str) -> list[str]:
    return [verb.tag for verb in ET.fromstring(heard.encode()).iter()][1:]  # noqa: S314  ours


def far_end(line: Line, heard: str, status: str, **more: str) -> None:
    """Say what became of the second phone, as its own callback does."""
    query = re.findall(r'statusCallback="[^"?]*\?([^"]+)"', heard)[0]
    said = {"CallSid": "CA-child", "ParentCallSid": "CA-parent", "CallStatus": status, "Direction": "outbound-dial", "To": CALLER}
    assert line.post(said | more, kind="voice_event", query=query).status_code == 200
    line.work()


def hung_up(line: Line) -> None:
    (row,) = line.rows(BridgedCall)
    name = f"bridge.en.{row['id']}"
    said = {"CallSid": f"CA-{name}", "CallStatus": "completed", "Direction": "outbound-api"}
    assert line.post(said, kind="voice_event", query=f"placed={name}").status_code == 200
    line.work()


def test_officer_first_then_a_key_then_the_other_and_both_are_joined(line: Line) -> None:
    officer = rung(line)
    assert verbs(officer.heard)[0] == "Gather"
    words = " ".join(re.findall(r"<Say[^>]*>([^<]*)", officer.heard))
    told = [line.case()["handle"], *SAID.lower().replace(",", "").split(), CALLER[4:], "hotline", "traffick"]
    assert not [one for one in told if re.search(rf"\b{re.escape(one)}\b", words.lower()) and one not in {"call", "me", "please"}]
    assert call(line).stage is Stage.RINGING_YOU
    joining = officer.press("1")
    (dial, number) = ET.fromstring(joining.encode()).iter("Dial"), ET.fromstring(joining.encode()).findtext("Dial/Number")  # noqa: S314
    (one,) = dial
    assert (number, one.get("callerId"), one.get("record")) == (CALLER, OURS, "do-not-record")
    assert one.get("timeLimit") == str(LONGEST_TALK)
    assert verbs(joining) == ["Dial", "Number"], "whoever picks up there hears nothing of ours, and nothing is recorded"
    assert ET.fromstring(joining.encode()).find("Dial/Number").get("url") is None  # type: ignore[union-attr]  # noqa: S314
    line.work()
    assert call(line).stage is Stage.RINGING_THEM
    far_end(line, joining, "in-progress")
    assert (call(line).stage, call(line).far_sealed) == (Stage.JOINED, None)
    assert verbs(officer.step(DialCallStatus="completed", DialCallDuration="125")) == ["Hangup"]
    hung_up(line)
    assert (call(line).stage, call(line).seconds) == (Stage.ENDED, 125)
    assert len(line.rows(Report)) == len(line.rows(Caller)) == 1, "an officer on the phone opens no report"
    assert line.rows(VoiceCall) == []


def test_the_number_stands_in_no_row_no_name_and_no_record(line: Line) -> None:
    officer = rung(line)
    for row in (*line.rows(BridgedCall), *line.rows(AuditEvent), *({**one, "sealed": b""} for one in line.rows(Inbox))):
        assert CALLER[4:] not in repr(dict(row))
        assert PHONE[4:] not in repr(dict(row))
    assert CALLER[4:] not in officer.query
    assert [row["action"] for row in line.rows(AuditEvent)].count("call.asked") == 1


@pytest.mark.parametrize("silence", ["nothing", "a machine"])
def test_without_the_key_nobody_else_is_rung(line: Line, silence: str) -> None:
    officer = rung(line)
    if silence == "nothing":
        officer.press("5", "", "")
    else:
        officer.query = f"placed={line.carriers['twilio'].called[-1][1]}"
        officer.step(AnsweredBy="machine_start")
    assert verbs(officer.heard) == ["Hangup"]
    hung_up(line)
    assert call(line).stage is Stage.MISSED


def test_a_key_after_the_end_joins_nobody(line: Line) -> None:
    officer = rung(line)
    hung_up(line)
    assert verbs(officer.press("1")) == ["Hangup"]


def test_whoever_does_not_pick_up_is_told_to_the_officer(line: Line) -> None:
    officer = rung(line)
    officer.press("1")
    assert "Nobody picked up" in officer.step(DialCallStatus="no-answer")
    line.work()
    assert call(line).stage is Stage.UNANSWERED


def test_words_of_a_call_say_the_same_in_every_order_and_however_often(line: Line) -> None:
    ask(line)
    ((_, name),) = placed(line)
    call_id = (bridge_of(name) or ("", ""))[1]
    words = (
        Word(pressed=True, far=None, talked=None, over=False),
        Word(pressed=False, far=Far.ANSWERED, talked=None, over=False),
        Word(pressed=False, far=Far.ENDED, talked=60, over=False),
        Word(pressed=False, far=None, talked=None, over=True),
    )
    for order in permutations(words):
        with line.site.db.transaction() as session:
            facts = {"pressed_at": None, "joined_at": None, "ended_at": None, "talked": None, "state": BridgedState.UNDER_WAY}
            session.execute(update(BridgedCall).values(**facts))
            for word in (*order, *order):
                bridge.told(session, call_id, word, line.now)
        assert (call(line).stage, call(line).seconds, call(line).far_sealed) == (Stage.ENDED, 60, None)


def test_a_forged_word_of_it_changes_nothing(line: Line) -> None:
    officer = rung(line)
    joining = officer.press("1")
    query = re.findall(r'statusCallback="[^"?]*\?([^"]+)"', joining)[0]
    said = {"CallSid": "CA-child", "ParentCallSid": "CA-parent", "CallStatus": "in-progress"}
    assert line.post(said, kind="voice_event", query=query, token="another").status_code == 403
    line.work()
    assert call(line).stage is Stage.RINGING_THEM


LATER = timedelta(minutes=20)  # after which a text may not be answered any more
BARS: dict[str, tuple[Bar, Callable[[Session, Line], object]]] = {
    "no phone": (Bar.NO_PHONE, set_all(Officer, phone_sealed=None)),
    "frozen": (Bar.FROZEN, set_all(Case, state="frozen")),
    "closed": (Bar.CLOSED, set_all(Case, state="closed")),
    "withheld": (Bar.NUMBER_GONE, set_all(Caller, reachable=False)),
    "shredded": (Bar.NUMBER_GONE, delete_key),
    "never": (Bar.NOT_NOW, set_all(Caller, safe_contact="never")),
    "stopped": (Bar.NOT_NOW, lambda session, line: set_all(Caller, opted_out_at=line.now + LATER)(session, line)),
    "wrote just now, and named other hours": (Bar.NOT_NOW, set_all(Caller, safe_contact="hours", safe_hours="evening")),
    "one rings": (Bar.RINGING, ask_in),
}


def test_what_forbids_a_call_is_said_and_leaves_nothing(line: Line) -> None:
    tries = [*BARS.items(), ("no gateway", (Bar.NO_GATEWAY, lambda *_: None)), ("long ago", (Bar.NOT_NOW, lambda *_: None))]
    chosen = line.site.settings
    for why, (bar, hinder) in tries:
        line.site.settings = chosen.model_copy(update={"voice_gateway": "nobody"}) if bar is Bar.NO_GATEWAY else chosen
        with line.site.db.transaction() as session:
            hinder(session, line)
            session.expire_all()
            with pytest.raises(CannotCall) as refused:
                ask_in(session, line, after=LATER if why == "long ago" else timedelta())
            session.rollback()
        assert refused.value.bar is bar, why
    assert line.rows(BridgedCall) == []
    assert "call.asked" not in [row["action"] for row in line.rows(AuditEvent)]


def test_a_ring_is_confirmed_unless_they_said_it_is_safe_at_any_hour(line: Line) -> None:
    with pytest.raises(CannotCall) as refused:
        ask(line, confirmed=False)
    assert refused.value.bar is Bar.UNCONFIRMED
    with line.site.db.transaction() as session:
        set_all(Caller, safe_contact="any")(session, line)
    ask(line, confirmed=False)
    assert call(line).stage is Stage.ASKED


def test_the_rules_are_asked_again_when_it_is_placed(line: Line) -> None:
    ask(line)
    changes: list[Callable[[Session, Line], object]] = [
        set_all(Caller, opted_out_at=line.now + timedelta(seconds=1)),
        set_all(Officer, active=False),
        set_all(Case, owner_id=None),
        exclude,
        delete_key,
    ]
    for place, change in enumerate([*changes, lambda *_: None, lambda *_: None]):
        now = line.now + (timedelta(minutes=3) if place == len(changes) else timedelta())
        with line.site.db.transaction() as session:
            change(session, line)
            due = bridge.take(session, line.site, now)
            session.expire_all()
            stage = session.scalars(select(BridgedCall)).one().stage
            assert (len(due), stage) == ((1, Stage.RINGING_YOU) if place > len(changes) else (0, Stage.CANCELLED)), place
            session.rollback()


@pytest.mark.parametrize(("certainty", "stage"), [(Certainty.REFUSED, Stage.REFUSED), (Certainty.UNKNOWN, Stage.LOST)])
def test_a_call_is_placed_once_and_one_without_a_word_is_over(line: Line, certainty: Certainty, stage: Stage) -> None:
    line.carriers["twilio"].ring_first = lambda _number, name: Sent(name, certainty, code="500")  # type: ignore[method-assign]
    ask(line)
    assert bridge.place_calls(line.site) == 1
    line.later(minutes=3)
    assert bridge.place_calls(line.site) == 0
    assert (call(line).stage, call(line).far_sealed) == (stage, None)
