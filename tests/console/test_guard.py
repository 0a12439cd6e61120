"""Every door of the console has a keeper, and what one may not see looks like what is not there."""

from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import select

from hotline import console
from hotline.broadcasts import campaign
from hotline.broadcasts.audience import Audience
from hotline.console import guard
from hotline.models import Officer
from hotline.roles import MATRIX, May, Role
from tests.console.desk import Desk

SCREENS = [
    ("GET", "/today", May.SEE_TODAY),
    ("GET", "/today/parts", May.SEE_TODAY),
    ("GET", "/wall", May.SEE_TODAY),
    ("GET", "/wall/parts", May.SEE_TODAY),
    ("GET", "/queue", May.SEE_QUEUE),
    ("GET", "/queue/rows", May.SEE_QUEUE),
    ("POST", "/queue/several", May.WORK_CASE),
    ("POST", "/queue/several/undo", May.WORK_CASE),
    ("POST", "/queue/filters", May.SEE_QUEUE),
    ("POST", "/queue/filters/undo", May.SEE_QUEUE),
    ("GET", "/search", May.SEE_QUEUE),
    ("POST", "/search", May.SEE_QUEUE),
    ("GET", "/case/{token}", May.READ_CASE),
    ("GET", "/case/{token}/live", May.READ_CASE),
    ("POST", "/case/{token}/claim", May.WORK_CASE),
    ("POST", "/case/{token}/release", May.WORK_CASE),
    ("POST", "/case/{token}/bring-back", May.WORK_CASE),
    ("POST", "/case/{token}/set-aside", May.WORK_CASE),
    ("POST", "/case/{token}/acknowledge", May.WORK_CASE),
    ("POST", "/case/{token}/correct", May.WORK_CASE),
    ("POST", "/case/{token}/track", May.WORK_CASE),
    ("POST", "/case/{token}/note", May.WORK_CASE),
    ("POST", "/case/{token}/reply", May.REPLY),
    ("POST", "/case/{token}/meter", May.REPLY),
    ("POST", "/case/{token}/draft", May.REPLY),
    ("POST", "/case/{token}/reply/{message_id}/take-back", May.REPLY),
    ("POST", "/case/{token}/word", May.REPLY),
    ("POST", "/case/{token}/word/compare", May.REPLY),
    ("POST", "/case/{token}/word/thaw", May.THAW),
    ("POST", "/case/{token}/keep", May.KEEP_CASE),
    ("GET", "/phrases", May.REPLY),
    ("GET", "/case/{token}/call", May.CALL),
    ("GET", "/case/{token}/call/live", May.CALL),
    ("POST", "/case/{token}/call", May.CALL),
    ("POST", "/me/phone", May.CALL),
    ("POST", "/me/phone/remove", May.CALL),
    ("GET", "/case/{token}/number", May.ASK_NUMBER),
    ("POST", "/case/{token}/number", May.ASK_NUMBER),
    ("GET", "/numbers", May.DECIDE_NUMBER),
    ("GET", "/case/{token}/timeline", May.READ_CASE),
    ("GET", "/case/{token}/close", May.WORK_CASE),
    ("POST", "/case/{token}/close", May.WORK_CASE),
    ("POST", "/case/{token}/reopen", May.WORK_CASE),
    ("POST", "/case/{token}/uncover", May.READ_CASE),
    ("GET", "/urgent", May.WORK_CASE),
    ("GET", "/handover", May.WORK_CASE),
    ("POST", "/handover", May.WORK_CASE),
    ("POST", "/break", May.WORK_CASE),
    ("POST", "/case/{token}/exclusion", May.PROPOSE_EXCLUSION),
    ("GET", "/case/{token}/referral", May.READ_CASE),
    ("GET", "/new", May.WORK_CASE),
    ("POST", "/new", May.WORK_CASE),
    ("GET", "/new/{row_id}", May.WORK_CASE),
    ("GET", "/dead", May.SEE_DEAD),
    ("GET", "/dead/rows", May.SEE_DEAD),
    ("POST", "/dead/mend", May.MEND),
    ("GET", "/missed", May.SEE_DEAD),
    ("GET", "/rota", May.SEE_ROTA),
    ("GET", "/referrals", May.OWN_REFERRALS),
    ("GET", "/owed", May.SEE_QUEUE),
    ("GET", "/map", May.SEE_FIGURES),
    ("GET", "/reports", May.SEE_FIGURES),
    ("GET", "/reports.csv", May.SEE_FIGURES),
    ("GET", "/reports/radio", May.SEE_OUTCOMES),
    ("GET", "/reports/radio.csv", May.SEE_OUTCOMES),
    ("GET", "/directory", May.KEEP_DIRECTORY),
    ("GET", "/directory/sheet", May.KEEP_DIRECTORY),
    ("POST", "/directory/sheet", May.KEEP_DIRECTORY),
    ("POST", "/directory/sheet/download", May.KEEP_DIRECTORY),
    ("POST", "/directory/holiday", May.KEEP_DIRECTORY),
    ("GET", "/rules", May.KEEP_RULES),
    ("POST", "/rules/draft", May.KEEP_RULES),
    ("GET", "/rules/draft", May.KEEP_RULES),
    ("GET", "/rules/draft/try", May.KEEP_RULES),
    ("POST", "/rules/publish", May.KEEP_RULES),
    ("POST", "/rules/draft/drop", May.KEEP_RULES),
    ("GET", "/record", May.READ_AUDIT),
    ("GET", "/record.csv", May.READ_AUDIT),
    ("GET", "/record/check", May.VERIFY_AUDIT),
    ("POST", "/record/check", May.VERIFY_AUDIT),
    ("GET", "/channels", May.SEE_HEALTH),
    ("GET", "/setup", May.SEE_HEALTH),
    ("POST", "/setup/open", May.OPEN_LINE),
    ("POST", "/setup/practice", May.OPEN_LINE),
    ("POST", "/setup/restored", May.OPEN_LINE),
    ("POST", "/channels/{name}/test", May.MANAGE_GATEWAYS),
    ("POST", "/channels/{name}/leave-alone", May.MANAGE_GATEWAYS),
    ("POST", "/channels/{name}/use-again", May.MANAGE_GATEWAYS),
    ("GET", "/studio", May.SEE_STUDIO),
    ("GET", "/shows", May.MAKE_SHOWS),
    ("POST", "/shows", May.MAKE_SHOWS),
    ("GET", "/team", May.MANAGE_TEAM),
    ("POST", "/team/invite", May.MANAGE_TEAM),
    ("GET", "/keys", May.MANAGE_KEYS),
    ("POST", "/keys", May.MANAGE_KEYS),
    ("POST", "/keys/{key_id}/revoke", May.MANAGE_KEYS),
    ("POST", "/team/{officer_id}/role", May.MANAGE_TEAM),
    ("POST", "/team/{officer_id}/renew", May.MANAGE_TEAM),
    ("POST", "/team/{officer_id}/sign-out", May.MANAGE_TEAM),
    ("POST", "/team/{officer_id}/strike-off", May.MANAGE_TEAM),
    ("POST", "/team/{officer_id}/let-in", May.MANAGE_TEAM),
    ("POST", "/team/withdraw/{invitation_id}", May.MANAGE_TEAM),
    ("GET", "/broadcasts", May.SEE_BROADCASTS),
    ("POST", "/broadcasts", May.BROADCAST),
    ("GET", "/broadcasts/new", May.BROADCAST),
    ("GET", "/broadcasts/{broadcast_id}", May.SEE_BROADCASTS),
    ("GET", "/broadcasts/{broadcast_id}/words", May.BROADCAST),
    ("POST", "/lists/reach", May.BROADCAST),
    ("GET", "/broadcasts/{broadcast_id}/people", May.BROADCAST),
    ("POST", "/broadcasts/{broadcast_id}/count", May.BROADCAST),
    ("GET", "/broadcasts/{broadcast_id}/check", May.BROADCAST),
    ("GET", "/broadcasts/{broadcast_id}/check/rows", May.BROADCAST),
    ("GET", "/broadcasts/{broadcast_id}/approve", May.SEE_BROADCASTS),
    ("POST", "/broadcasts/{broadcast_id}/approve", May.APPROVE_BROADCAST),
    ("POST", "/broadcasts/{broadcast_id}/approve-few", May.BROADCAST),
    ("POST", "/broadcasts/{broadcast_id}/send", May.BROADCAST),
    ("GET", "/broadcasts/{broadcast_id}/rows", May.SEE_BROADCASTS),
    ("POST", "/broadcasts/{broadcast_id}/pause", May.HOLD_BROADCAST),
    ("POST", "/broadcasts/{broadcast_id}/resume", May.HOLD_BROADCAST),
    ("POST", "/broadcasts/{broadcast_id}/stop", May.HOLD_BROADCAST),
    ("POST", "/broadcasts/{broadcast_id}/check", May.BROADCAST),
    ("POST", "/broadcasts/{broadcast_id}/try", May.BROADCAST),
    ("POST", "/broadcasts/{broadcast_id}/people", May.BROADCAST),
    ("POST", "/broadcasts/{broadcast_id}/words", May.BROADCAST),
    ("GET", "/lists", May.SEE_BROADCASTS),
    ("POST", "/lists", May.BROADCAST),
    ("POST", "/lists/leave", May.BROADCAST),
]
# Recordings: who may not read their case may not hear them either (test_listening.py).
# Decisions who may know: test_conflict.py.
DECISIONS = {"/case/<token>/exclusion/<exclusion_id>"}
STEPS = {f"/case/<token>/referral/<referral_id>/{step}" for step in ("accept", "decline", "outcome", "share")}  # test_referral.py
RADIO = {  # tests/radio/test_wall.py
    *(f"/studio/<episode_id>{rest}" for rest in ("", "/live", "/script", "/after", "/chart.svg", "/<act>")),
    *(
        f"/shows/<episode_id>{rest}"
        for rest in ("", "/live", "/flood", "/screens", "/recording", "/question/<question_id>/<act>")
    ),
    "/shows/<show_id>/plan",
    *(f"/themes/<show_id>{rest}" for rest in ("", "/code")),
}
SENTENCES = {"/rules/draft/<int:at>", "/rules/draft/<int:at>/<any(up, down, remove):act>"}  # test_rules.py
OWN = {"/referrals/<referral_id>"}  # test_own.py
CONTACTS = {f"/directory/contact/<contact_id>{way}" for way in ("", "/verify", "/test", "/span", "/span/<spell_id>/remove")}
# A text to many in one language, its report in two forms, an attendance list with its file: test_broadcasts.py.
TO_MANY = {
    "/broadcasts/<broadcast_id>/look/<language>",
    "/broadcasts/<broadcast_id>/recording/<language>",
    "/broadcasts/<broadcast_id>/report.<form>",
    "/lists/<keyword>/import",
}
NUMBERS = {"/case/<token>/number/show", "/numbers/<reveal_id>", "/wall/hang"}  # test_number.py, test_me.py
FILTERS = {"/queue/filters/<filter_id>/remove"}  # test_filters.py
SOUNDS = {"/case/<token>/recording/<recording_id>", "/case/<token>/recording/<recording_id>/original"}


def test_every_route_of_the_console_says_whom_it_is_for(desk: Desk) -> None:
    for rule in desk.app.url_map.iter_rules():
        if rule.endpoint.startswith("api."):  # asks for a key and its scope: test_api.py
            continue
        listed = rule.endpoint in guard.OPEN | guard.ANY_OFFICER
        assert listed != (guard.act_of(desk.app, rule.endpoint) is not None), rule.endpoint


def test_the_matrix_below_names_every_guarded_route(desk: Desk) -> None:
    guarded = {rule.rule for rule in desk.app.url_map.iter_rules() if guard.act_of(desk.app, rule.endpoint)}
    others = SOUNDS | DECISIONS | STEPS | SENTENCES | CONTACTS | OWN | TO_MANY | NUMBERS | RADIO | FILTERS
    assert guarded == {path.replace("{", "<").replace("}", ">") for _, path, _ in SCREENS} | others


def test_a_route_without_a_keeper_does_not_start(desk: Desk) -> None:
    app = Flask("half guarded", static_folder=None)
    app.add_url_rule("/forgotten", "console.forgotten", lambda: "open to all")
    with pytest.raises(guard.Unguarded, match=r"console\.forgotten"):
        console.install(app, desk.site)


@pytest.mark.parametrize("role", list(Role))
def test_each_role_opens_only_its_own_doors(desk: Desk, role: Role) -> None:
    case, other = desk.case(), desk.officer("second").id
    with desk.site.db.transaction() as session:
        made = campaign.create(session, name="x", texts={}, audience=Audience(), author="broadcaster", now=datetime.now(UTC))
    browser = desk.signed_in(str(role))
    for method, path, act in SCREENS:
        ids = {"officer_id": other, "invitation_id": "none", "message_id": "none", "row_id": "none", "name": "simulator"}
        ids |= {"broadcast_id": made, "key_id": "none"}
        address = path.format(token=case.token, **ids)
        answer = browser.get(address) if method == "GET" else browser.post(address, text="", version="0", deed="claim")
        assert (answer.status_code == 404) == (act not in MATRIX[role]), f"{role} {path}: {answer.status_code}"


def test_denied_and_missing_are_the_same_page(desk: Desk) -> None:
    auditor = desk.signed_in("auditor")
    denied = auditor.get(f"/case/{desk.case().token}")
    missing = desk.signed_in("intake").get("/case/no-such-token")
    nowhere = auditor.get("/nowhere")
    assert denied.status_code == missing.status_code == nowhere.status_code == 404
    assert denied.data == missing.data == nowhere.data


def test_a_stranger_is_sent_to_the_door_whether_the_case_is_there_or_not(desk: Desk) -> None:
    for token in (desk.case().token, "no-such-token"):
        answer = desk.browser().get(f"/case/{token}")
        assert (answer.status_code, answer.location) == (303, "/sign-in")


def test_a_stranger_s_live_page_is_sent_to_the_door_too(desk: Desk) -> None:
    answer = desk.browser().get("/queue/rows", HX_Request="true")
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/sign-in")


def test_an_auditor_sees_handles_and_no_way_in(desk: Desk) -> None:
    case = desk.case()
    page = desk.signed_in("auditor").get("/queue").get_data(as_text=True)
    assert case.handle in page
    assert case.token not in page


def test_a_role_without_screens_is_told_so(desk: Desk) -> None:
    browser = desk.signed_in("presenter")
    with desk.site.db.transaction() as session:
        session.scalars(select(Officer).where(Officer.name == "presenter")).one().role = "one there is no more"
    page = browser.get("/")
    assert page.status_code == 200
    assert "No screen for you here" in page.get_data(as_text=True)
