"""A recording at the desk: heard disguised, as it was spoken only after a second act, and neither without a record."""

import pytest
from sqlalchemy import select

from hotline import audit
from hotline.intake.tapes import Sound, keep
from hotline.models import (
    AuditEvent,
    Case,
    CaseKey,
    Message,
    RecordedAudio,
    Recording,
    RecordingState,
    Report,
    VoiceCall,
    new_id,
    sound_bound_to,
    table,
)
from hotline.sound import disguised
from tests.console.desk import Desk
from tests.voices import said_aloud


def spoken(desk: Desk) -> tuple[Case, str]:
    """Put a case with a voice message on the desk, as the workers leave it."""
    case = desk.case("Left a voice message.")
    row_id, voice = new_id(), said_aloud()
    with desk.site.db.transaction() as session:
        key = desk.site.keyring.case_key(case.id, session.get_one(CaseKey, case.id).wrapped)
        report = session.scalars(select(Report).where(Report.case_id == case.id)).one()
        message = session.scalars(select(Message).where(Message.case_id == case.id)).one()
        now = desk.site.db.now(session)
        known = {"gateway": "simulator", "case_id": case.id}
        session.add(VoiceCall(id="c" * 32, caller_id=report.caller_id, began_at=now, sealed=b"", **known))
        session.flush()
        waiting = {"state": RecordingState.WAITING, "due_at": now, "created_at": now, "seconds": 2}
        session.add(Recording(id=row_id, reference="r", sealed=b"", call_id="c" * 32, message_id=message.id, **known, **waiting))
        session.flush()
        row = session.execute(select(table(Recording)).where(table(Recording).c.id == row_id)).mappings().one()
        assert keep(session, row, key, Sound((voice, "audio/wav"), (disguised(voice), "audio/wav")), now)
    return case, row_id


def acts(desk: Desk, recording: str) -> list[str]:
    with desk.site.db.reading() as session:
        found = select(AuditEvent.action).where(AuditEvent.object == recording).order_by(AuditEvent.seq)
        return list(session.scalars(found))


def test_an_officer_hears_another_voice_and_it_is_on_record_once(desk: Desk) -> None:
    case, recording = spoken(desk)
    officer = desk.signed_in("intake")
    page = officer.get(f"/case/{case.token}").get_data(as_text=True)
    assert f'/case/{case.token}/recording/{recording}"' in page
    assert "Voice disguised, 0:02" in page
    heard = [officer.get(f"/case/{case.token}/recording/{recording}", Range="bytes=0-99999") for _ in range(2)]
    assert [answer.status_code for answer in heard] == [206, 206]
    assert heard[0].content_type == "audio/wav"
    assert heard[0].headers["Cache-Control"] == "no-store"
    assert heard[0].data[:4] == b"RIFF"
    assert heard[0].data != said_aloud()
    assert acts(desk, recording) == ["recording.heard"]


def test_the_voice_itself_needs_a_second_act(desk: Desk) -> None:
    case, recording = spoken(desk)
    officer, address = desk.signed_in("intake"), f"/case/{case.token}/recording/{recording}/original"
    assert officer.get(address).status_code == 404
    assert acts(desk, recording) == []
    assert officer.post(address).status_code == 303
    assert "As it was spoken" in officer.get(f"/case/{case.token}").get_data(as_text=True)
    assert officer.get(address).data == said_aloud()
    assert acts(desk, recording) == ["recording.asked_original", "recording.heard_original"]
    assert desk.signed_in("second").get(address).status_code == 404, "whoever else did not ask"


def test_no_record_no_sound(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    case, recording = spoken(desk)
    officer = desk.signed_in("intake")

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(audit, "record", refuse)
    desk.app.config["PROPAGATE_EXCEPTIONS"] = False
    assert b"RIFF" not in officer.get(f"/case/{case.token}/recording/{recording}").data


@pytest.mark.parametrize("name", ["agency", "broadcaster", "presenter", "auditor", "admin"])
def test_who_may_not_read_a_case_may_not_hear_it(desk: Desk, name: str) -> None:
    case, recording = spoken(desk)
    officer = desk.signed_in(name)
    for path in ("", "/original"):
        assert officer.get(f"/case/{case.token}/recording/{recording}{path}").status_code == 404
    assert officer.post(f"/case/{case.token}/recording/{recording}/original").status_code == 404


def test_another_case_s_address_opens_nothing(desk: Desk) -> None:
    _, recording = spoken(desk)
    other = desk.case("another")
    assert desk.signed_in("intake").get(f"/case/{other.token}/recording/{recording}").status_code == 404


def test_a_shredded_case_is_silent(desk: Desk) -> None:
    case, recording = spoken(desk)
    officer = desk.signed_in("intake")
    with desk.site.db.transaction() as session:
        session.delete(session.get_one(CaseKey, case.id))
    assert b"RIFF" not in officer.get(f"/case/{case.token}/recording/{recording}").data


def test_nothing_of_a_voice_stands_in_clear(desk: Desk) -> None:
    _, recording = spoken(desk)
    with desk.site.db.reading() as session:
        rows = session.scalars(select(RecordedAudio)).all()
        assert sorted(row.form for row in rows) == ["disguised", "original"]
        assert not [row for row in rows if b"RIFF" in row.sealed]
        assert sound_bound_to(recording, "original") != sound_bound_to(recording, "disguised")
