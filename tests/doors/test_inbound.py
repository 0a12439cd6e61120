"""The door: what is genuine is stored to the last byte before we say so, what is forged is refused and kept aside.

Everything here goes through the real WSGI application, on both stores. Numbers, names and texts are invented.
"""

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from urllib.parse import urlencode

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rq import Queue
from sqlalchemy import text, update
from werkzeug.test import EnvironBuilder, run_wsgi_app

from hotline.cli import main
from hotline.config import Settings
from hotline.deployment import Deployment
from hotline.gateways.contract import Webhook
from hotline.gateways.twilio import EMPTY_TWIML
from hotline.inbound import FORGED
from hotline.intake import quarantine
from hotline.intake.spool import Spool, flush
from hotline.models import Case, Counter, Inbox, InboxState, Quarantine, QuarantineState, table
from hotline.queue import QueueName
from tests.journeys.running import until
from tests.line import TOKEN, Line, signature

SID = "SM" + "a" * 32
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def line(deployment: Deployment) -> Line:
    return Line(deployment)


@dataclass(frozen=True)
class Sms:
    """A genuine body; `sender` and `told` are what must come out at the other end, None where it is no report."""

    label: str
    body: bytes
    told: str | None
    content_type: str = FORM


def form(told: str = "Mudufashe", **more: str) -> bytes:
    return urlencode({"MessageSid": SID, "From": "+250780000101", "To": "7788", "Body": told} | more).encode()


TEN_SEGMENTS = "Bampaye akazi i Goma, ariko ubu barankubita kandi sinshobora gusohoka. " * 22
MARKUP = "<script>'; DROP TABLE inbox;--\x1b[2J{{7*7}}%s%n"
GENUINE = [
    Sms("plain", form(), "Mudufashe"),
    Sms("a form without content type", form(), "Mudufashe", ""),
    Sms("a form called JSON", form(), "Mudufashe", "application/json"),
    Sms("a form called multipart", form(), "Mudufashe", "multipart/form-data; boundary=x"),
    Sms("a form called nonsense", form(), "Mudufashe", "\xff\xfe; charset=\x7f"),
    Sms("bytes that are no UTF-8", form("")[:-5] + b"&Body=%ff%fe%C3", "\udcff\udcfe\udcc3"),
    Sms("raw bytes that are no UTF-8", form("")[:-5] + b"&Body=\xff\xfe\xc3", "\udcff\udcfe\udcc3"),
    Sms("NUL", form("a\x00b"), "a\x00b"),
    Sms("raw NUL", form("")[:-5] + b"&Body=a\x00b", "a\x00b"),
    Sms("half a character", form("")[:-5] + b"&Body=%ED%A0%80x", "\udced\udca0\udc80x"),
    Sms("70 kB of words", form("Ndi mu nzu. " * 5900), "Ndi mu nzu. " * 5900),
    Sms("a doubled body: the first counts", form() + b"&Body=second", "Mudufashe"),
    Sms("a doubled sender: the first counts", form() + b"&From=%2B250780000199", "Mudufashe"),
    Sms("no addressee", form().replace(b"To=7788&", b""), "Mudufashe"),
    Sms("a sender that is a name", form(From="MTN"), "Mudufashe"),
    Sms("a sender with NUL", form(From="M\x00N"), "Mudufashe"),
    Sms("a sender of bytes", form().replace(b"From=", b"From=%ff%ED%A0%80"), "Mudufashe"),
    Sms("a sender of 5 kB", form(From="x" * 5000), "Mudufashe"),
    Sms("an empty text", form(""), ""),
    Sms("only spaces", form("  \r\n "), "  \r\n "),
    Sms("emoji", form("\U0001f6a8\U0001f1f7\U0001f1fc\u200d"), "\U0001f6a8\U0001f1f7\U0001f1fc\u200d"),
    Sms("ten segments", form(TEN_SEGMENTS), TEN_SEGMENTS),
    Sms("right to left", form("\u202eabc\u0645\u0631\u062d\u0628\u0627"), "\u202eabc\u0645\u0631\u062d\u0628\u0627"),
    Sms("an id with NUL", form(MessageSid="SM\x00"), "Mudufashe"),
    Sms("an id of 10 kB", form(MessageSid="S" * 10_000), "Mudufashe"),
    Sms("an id that is no ASCII", form(MessageSid="é\U0001f4f1"), "Mudufashe"),
    Sms("no sender", form().replace(b"From", b"Form"), None),
    Sms("a blank sender", form(From=""), None),
    Sms("markup and commands", form(MARKUP), MARKUP),
]


def unsealed(line: Line, model: type[Inbox | Quarantine] = Inbox) -> list[Webhook]:
    opener, name = line.site.opener, model.__tablename__
    return [Webhook.unpacked(opener.open(row["sealed"], f"{name}|sealed|{row['id']}")) for row in line.rows(model)]


def counters(line: Line) -> Mapping[str, int]:
    return {row["name"]: row["value"] for row in line.rows(Counter)}


@pytest.mark.parametrize("sms", GENUINE, ids=lambda sms: sms.label)
def test_what_is_genuine_is_stored_to_the_last_byte_and_told_to_the_last_character(line: Line, sms: Sms) -> None:
    answer = line.post(sms.body, headers={"Content-Type": sms.content_type})
    assert (answer.status_code, answer.content_type, answer.text) == (200, "text/xml", EMPTY_TWIML)
    (stored,) = unsealed(line)
    assert stored.body == sms.body

    for _ in range(3):
        assert line.post(sms.body, headers={"Content-Type": sms.content_type}).status_code == 200
    assert len(line.rows(Inbox)) == 1, "a replay adds no row"

    line.work()
    (row,) = line.rows(Inbox)
    if sms.told is None:
        assert (row["state"], row["reason"]) == (InboxState.PARKED, "without From")
    else:
        assert (row["state"], row["reason"]) == (InboxState.DONE, None)
        assert line.told(line.case()["id"]) == [sms.told]


def test_the_same_bytes_forged_are_refused_kept_aside_and_counted(line: Line) -> None:
    for sms in GENUINE:
        answer = line.post(sms.body, token="another-token", headers={"Content-Type": sms.content_type})
        assert (answer.status_code, answer.data) == (403, b""), sms.label
    assert line.rows(Inbox) == []
    kept = [sms.body for sms in GENUINE if len(sms.body) <= 64 * 1024]
    assert sorted(webhook.body for webhook in unsealed(line, Quarantine)) == sorted(kept)
    assert len(kept) == len(GENUINE) - 1, "what is larger than any text is counted and not kept"
    assert counters(line) == {FORGED: len(GENUINE), Counter.QUARANTINED_BYTES: sum(map(len, kept))}


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "unsigned"),
        ({"X-Twilio-Signature": ""}, "unsigned"),
        ({"X-Twilio-Signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8="}, "signature"),
        ({"X-Twilio-Signature": "\xe9\xff" * 40}, "signature"),
        ({"X-Simulator-Signature": signature("/in/twilio/sms", form())}, "unsigned"),
        ({"Authorization": "Basic QUM6dG9rZW4="}, "unsigned"),
    ],
)
def test_without_our_signature_nothing_is_genuine(line: Line, headers: dict[str, str], reason: str) -> None:
    assert line.post(form(), token=None, headers=headers).status_code == 403
    assert [row["reason"] for row in line.rows(Quarantine)] == [reason]


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example.org"},
        {"X-Forwarded-Host": "evil.example.org", "X-Forwarded-Proto": "http", "X-Forwarded-Prefix": "/x"},
        {"X-Forwarded-Path": "/in/twilio/status", "X-Original-URL": "/in/twilio/status", "Forwarded": "host=evil.example.org"},
        {"X-HTTP-Method-Override": "GET"},
    ],
)
def test_no_header_moves_the_address_a_signature_was_made_for(line: Line, headers: dict[str, str]) -> None:
    assert line.post(form(), headers=headers).status_code == 200, "behind any proxy a genuine webhook is genuine"
    elsewhere = signature("/in/twilio/status", form())
    for host in ("hooks.example.org", "evil.example.org"):
        forged = {**headers, "X-Twilio-Signature": elsewhere, "X-Forwarded-Host": host}
        assert line.post(form(MessageSid="SM2"), token=None, headers=forged).status_code == 403


def test_a_signature_of_one_webhook_does_not_serve_for_another(line: Line) -> None:
    genuine = {"X-Twilio-Signature": signature("/in/twilio/sms", form())}
    assert line.post(form("Other words"), token=None, headers=genuine).status_code == 403
    assert line.post(form(), token=None, kind="status", headers=genuine).status_code == 403
    assert line.post(form(), token=None, query="x=1", headers=genuine).status_code == 403
    assert line.post(form(), token=None, headers=genuine).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        *("/in/nobody/sms", "/in/nobody/", "/in/nobody", "/in/", "/in", "/in/TWILIO/sms", "/in//sms", "/in/%00/sms", "/other"),
    ],
)
def test_who_knocks_where_nobody_is_hears_404(line: Line, path: str) -> None:
    assert line.client.post(path, data=form()).status_code == 404
    assert line.rows(Quarantine) == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
def test_only_a_post_brings_a_webhook(line: Line, method: str) -> None:
    answer = line.client.open("/in/twilio/sms", method=method, query_string=form().decode())
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


def test_the_largest_body_is_taken_and_one_byte_more_is_not(line: Line) -> None:
    most = line.site.settings.max_body_kib * 1024
    exact = form("x" * (most - len(form(""))))
    assert len(exact) == most
    assert line.post(exact).status_code == 200
    assert line.post(exact + b"x").status_code == 413
    (stored,) = unsealed(line)
    assert stored.body == exact


@pytest.mark.parametrize("length", ["-1", "", "abc", "1e3", "\xb2", "\u0663", "9" * 30, "9" * 5000, "+5", " 5"])
def test_a_length_that_is_none_is_no_server_error(line: Line, length: str) -> None:
    environ = EnvironBuilder("/in/twilio/sms", method="POST", data=form()).get_environ()
    environ["CONTENT_LENGTH"] = length
    _, status, _ = run_wsgi_app(line.client.application, environ)
    assert int(status[:3]) in (403, 413)


def test_a_body_in_pieces_of_unknown_length_is_read_whole(line: Line) -> None:
    environ = EnvironBuilder("/in/twilio/sms", method="POST").get_environ()
    environ.pop("CONTENT_LENGTH", None)
    environ["HTTP_TRANSFER_ENCODING"], environ["wsgi.input"] = "chunked", BytesIO(form())
    environ["HTTP_X_TWILIO_SIGNATURE"] = signature("/in/twilio/sms", form())
    _, status, _ = run_wsgi_app(line.client.application, environ)
    assert status == "200 OK"


def test_a_body_that_was_cut_short_is_not_taken_for_whole(line: Line) -> None:
    environ = EnvironBuilder("/in/twilio/sms", method="POST", data=form()[:-3]).get_environ()
    environ["CONTENT_LENGTH"] = str(len(form()))
    environ["HTTP_X_TWILIO_SIGNATURE"] = signature("/in/twilio/sms", form())
    _, status, _ = run_wsgi_app(line.client.application, environ)
    assert status.startswith("403")


HEADERS = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=40)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    body=st.one_of(st.binary(max_size=300), st.binary(max_size=40).map(lambda raw: b"MessageSid=" + raw)),
    path=st.sampled_from(["/in/twilio/sms", "/in/twilio/status", "/in/simulator/sms", "/in/x/y", "/in/twilio/sms%00"]),
    method=st.sampled_from(["POST", "POST", "POST", "GET", "PUT"]),
    headers=st.dictionaries(
        st.sampled_from(
            ["HTTP_X_TWILIO_SIGNATURE", "HTTP_X_SIMULATOR_SIGNATURE", "CONTENT_TYPE", "HTTP_HOST", "HTTP_COOKIE", "QUERY_STRING",
             "HTTP_X_FORWARDED_FOR", "HTTP_CONTENT_ENCODING", "HTTP_EXPECT", "HTTP_TRANSFER_ENCODING", "CONTENT_LENGTH"]
        ),
        HEADERS,
        max_size=5,
    ),
    genuine=st.booleans(),
)  # fmt: skip
def test_whatever_is_sent_the_answer_is_one_of_a_few(
    line: Line,
    body: bytes,
    path: str,
    method: str,
    headers: dict[str, str],
    genuine: bool,  # noqa: FBT001
) -> None:
    environ = {**EnvironBuilder(path, method=method, data=body).get_environ(), **headers}
    if genuine:
        query = environ.get("QUERY_STRING", "")
        target = f"{path}?{query}" if query else path
        environ["HTTP_X_TWILIO_SIGNATURE"] = signature(target, body)
        environ["CONTENT_LENGTH"] = str(len(body))
    before = len(line.rows(Inbox))
    _, status, _ = run_wsgi_app(line.client.application, environ)
    assert int(status[:3]) in (200, 403, 404, 405, 413, 415) or (path.endswith("%00") and status[:3] == "503")
    assert len(line.rows(Inbox)) - before <= (status == "200 OK"), "a row is stored only where we promise it"


def test_the_two_kinds_and_two_gateways_keep_their_ids_apart(line: Line) -> None:
    both = {
        "MessageSid": SID,
        "From": "+250780000101",
        "Body": "x",
        "MessageStatus": "delivered",
        "id": SID,
        "from": "x",
        "text": "x",
    }
    assert line.post(both).status_code == 200
    assert line.post(both, kind="status").status_code == 200
    raw = urlencode(both).encode()
    phones = line.site.shelf.get("simulator")
    assert phones is not None
    signed = {"X-Simulator-Signature": phones.real.sign("/in/simulator/sms", raw)}  # type: ignore[attr-defined]
    assert line.client.post("/in/simulator/sms", data=raw, headers=signed).status_code == 200
    assert len(line.rows(Inbox)) == 3


def test_each_status_of_a_text_is_stored_once(line: Line) -> None:
    for status in ("sent", "delivered", "sent", "delivered", "delivered"):
        line.post({"MessageSid": SID, "MessageStatus": status}, kind="status", query="message=01")
    assert sorted(row["external_id"] for row in line.rows(Inbox)) == [f"{SID}:delivered", f"{SID}:sent"]


def test_identical_texts_without_id_are_two_cries_for_help(line: Line) -> None:
    nameless = {"From": "+250780000101", "Body": "Mudufashe"}
    assert [line.post(nameless).status_code for _ in range(2)] == [200, 200]
    assert len(line.rows(Inbox)) == 2


def test_fifty_webhooks_at_once_are_each_stored_once_and_rung_for(line: Line) -> None:
    bodies = [form(MessageSid=f"SM{number}") for number in range(50)]
    gate = threading.Barrier(50)

    def knock(body: bytes) -> int:
        gate.wait(10)
        return line.post(body).status_code

    with ThreadPoolExecutor(50) as pool:
        assert list(pool.map(knock, bodies)) == [200] * 50
    assert sorted(webhook.body for webhook in unsealed(line)) == sorted(bodies)
    jobs = Queue(str(QueueName.INTAKE), connection=line.site.bell.redis)
    until(lambda: jobs.count, 10, "the worker of intake is rung for")


def test_one_webhook_from_eight_clients_at_once_is_one_row(line: Line) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: line.post(form()).status_code, range(40)))
    assert answers == [200] * 40
    assert len(line.rows(Inbox)) == 1


# ---- the database away ------------------------------------------------------------------------------------------


def spooled(line: Line) -> list[Path]:
    return Spool.of(line.site.settings).waiting()


@contextmanager
def away(line: Line, name: str) -> Iterator[None]:
    """Take a table away for as long as the block lasts."""
    with line.site.db.transaction() as session:
        session.execute(text(f"ALTER TABLE {name} RENAME TO {name}_away"))
    try:
        yield
    finally:
        with line.site.db.transaction() as session:
            session.execute(text(f"ALTER TABLE {name}_away RENAME TO {name}"))


@pytest.mark.parametrize("token", [TOKEN, "another-token"])
@pytest.mark.parametrize("table_name", ["inbox", "quarantine", "counter"])
def test_whatever_table_is_away_the_genuine_are_kept_and_the_forged_refused(line: Line, token: str, table_name: str) -> None:
    with away(line, table_name):
        assert line.post(form(), token=token).status_code == (200 if token == TOKEN else 403)
        assert len(spooled(line)) == (token == TOKEN and table_name == "inbox")
    flush(line.site)
    assert len(line.rows(Inbox)) == (token == TOKEN)
    assert spooled(line) == []


def test_nothing_is_promised_where_no_disk_takes_it(deployment: Deployment, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file is no folder")
    nowhere = Deployment(deployment.settings.model_copy(update={"spool_folder": tmp_path / "file" / "spool"}))
    line = Line(nowhere)
    with away(line, "inbox"):
        answer = line.post(form())
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert line.client.get("/readyz").status_code == 503
    line.site.hurried_db.close()
    again = Line(Deployment(nowhere.settings))
    assert again.post(form()).status_code == 200, "the gateway sends it again"
    assert len(line.rows(Inbox)) == 1
    nowhere.close()
    again.site.close()


def test_what_was_spooled_and_came_again_is_one_row(line: Line) -> None:
    with away(line, "inbox"):
        assert [line.post(form()).status_code for _ in range(3)] == [200] * 3
        assert len(spooled(line)) == 3
        assert spooled(line) == Spool.of(line.site.settings).waiting()
    assert line.post(form()).status_code == 200
    flush(line.site)
    assert len(line.rows(Inbox)) == 1
    line.work()
    assert line.told(line.case()["id"]) == ["Mudufashe"]


def test_a_database_that_hangs_is_not_waited_for(deployment: Deployment) -> None:
    hurried = Deployment(deployment.settings.model_copy(update={"commit_wait_seconds": 0.3}))
    line = Line(hurried)
    with deployment.db.transaction() as session:
        if not deployment.db.sqlite:
            session.execute(text("LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE"))
        for _ in range(3):
            assert line.post(form()).status_code == 200
            assert line.post(form(), token="another-token").status_code == 403
        assert len(spooled(line)) == 3
    flush(deployment)
    assert line.post(form()).status_code == 200
    flush(deployment)
    assert len(line.rows(Inbox)) == 1, "what was late and what was spooled are one"
    hurried.close()


def test_a_database_that_is_not_there_at_all_costs_no_webhook(deployment: Deployment) -> None:
    nowhere = deployment.settings.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:9/nothing"})
    line = Line(Deployment(nowhere))
    assert line.post(form()).status_code == 200
    assert line.post(form(), token="another-token").status_code == 403
    assert len(spooled(line)) == 1
    assert line.client.get("/livez").status_code == 200
    ready = line.client.get("/readyz")
    assert (ready.status_code, ready.json) == (200, {"store": "spooling", "redis": "ok"})
    line.site.close()


def test_forgeries_are_counted_also_those_of_an_outage(line: Line) -> None:
    with away(line, "counter"):
        for _ in range(5):
            assert line.post(form(), token="another-token").status_code == 403
    until(lambda: line.post(form(), token="another-token") and counters(line), 5, "the door tries the database again")
    assert line.post(form(), token="another-token").status_code == 403
    refused = counters(line)[FORGED]
    assert refused >= 7
    assert line.post(form(), token="another-token").status_code == 403
    assert counters(line)[FORGED] == refused + 1
    assert spooled(line) == [], "a forgery never fills the spool"


def test_a_redis_that_is_away_costs_no_webhook(settings: Settings, deployment: Deployment) -> None:
    deaf = Deployment(settings.model_copy(update={"redis_url": "redis://127.0.0.1:9/0"}))
    line = Line(deaf)
    assert line.post(form()).status_code == 200
    assert len(line.rows(Inbox)) == 1
    deaf.close()


# ---- quarantine -------------------------------------------------------------------------------------------------


def with_tokens(line: Line, *tokens: str) -> Deployment:
    """Return the deployment as it is after its operator has set other tokens."""
    return Deployment(Settings(**{**line.site.settings.model_dump(), "twilio_auth_tokens": tokens, "_env_file": None}))


def test_when_our_own_token_was_wrong_nobody_is_lost(line: Line) -> None:
    for number in range(3):
        assert line.post(form(f"Text {number}", MessageSid=f"SM{number}"), token="new-token").status_code == 403
    assert line.post(form(MessageSid="SM9"), token="a-forgers-token").status_code == 403

    mended = with_tokens(line, "new-token", TOKEN)
    assert quarantine.verify_again(mended) == quarantine.Checked(genuine=3, forged=1)
    with line.reading() as session:
        held = quarantine.held(session)
    assert [group._asdict() for group in held] == [{"gateway": "twilio", "kind": "sms", "reason": "signature", "number": 1}]
    assert quarantine.verify_again(mended) == quarantine.Checked(genuine=0, forged=1), "once is enough"
    assert line.post(form("Text 0", MessageSid="SM0")).status_code == 200, "the gateway tries again, with the old token"
    mended.close()

    line.work()
    assert sorted(told for case in line.rows(Case) for told in line.told(case["id"])) == ["Text 0", "Text 1", "Text 2"]
    assert len(line.rows(Inbox)) == 3


def test_the_command_line_takes_in_what_a_mended_token_makes_genuine(line: Line) -> None:
    line.post(form(), token="new-token")
    chosen = line.site.settings
    environment = {"HOTLINE_INSTANCE": str(chosen.instance), "HOTLINE_DATABASE_URL": chosen.database_url}
    environment |= {"HOTLINE_PUBLIC_URL": chosen.public_url, "HOTLINE_REDIS_URL": chosen.redis_url}
    mended = CliRunner(env={**environment, "HOTLINE_TWILIO_AUTH_TOKENS": f"new-token,{TOKEN}"})
    assert "1  twilio sms: signature" in mended.invoke(main, ["quarantine", "ls"]).stdout
    assert mended.invoke(main, ["quarantine", "verify"]).stdout.startswith("1 genuine, taken in; 0 still fail")
    line.work()
    assert line.told(line.case()["id"]) == ["Mudufashe"]


def test_a_mended_webhook_keeps_its_bytes_and_its_hour(line: Line) -> None:
    body = form("a\x00") + b"&x=%ff\xfe"
    line.post(body, token="new-token")
    (aside,) = line.rows(Quarantine)
    mended = with_tokens(line, "new-token")
    quarantine.verify_again(mended)
    mended.close()
    (row,) = line.rows(Inbox)
    assert unsealed(line)[0].body == body
    assert row["received_at"] == aside["received_at"]
    assert [found["state"] for found in line.rows(Quarantine)] == [QuarantineState.GENUINE]


def test_one_webhook_that_cannot_be_opened_holds_up_no_other(line: Line) -> None:
    for number in range(2):
        line.post(form(MessageSid=f"SM{number}"), token="new-token")
    first = line.rows(Quarantine)[0]["id"]
    with line.site.db.transaction() as session:
        session.execute(update(table(Quarantine)).where(table(Quarantine).c.id == first).values(sealed=b"rot"))
    mended = with_tokens(line, "new-token")
    assert quarantine.verify_again(mended) == quarantine.Checked(genuine=1, forged=1)
    mended.close()


def test_a_flood_of_forgeries_fills_the_quarantine_and_not_the_disk(deployment: Deployment) -> None:
    small = Deployment(deployment.settings.model_copy(update={"quarantine_mib": 1}))
    line = Line(small)
    big = form("x" * 50_000)
    for _ in range(30):
        assert line.post(big, token="another-token").status_code == 403
    kept = sum(row["size"] for row in line.rows(Quarantine))
    assert 1024 * 1024 - len(big) < kept <= 1024 * 1024
    assert counters(line) == {FORGED: 30, Counter.QUARANTINED_BYTES: kept}
    assert line.post(form()).status_code == 200, "the genuine ones still come through"
    small.close()


def test_what_is_kept_aside_cannot_be_read_by_the_process_that_keeps_it(line: Line) -> None:
    line.post(form("Mudufashe, ndi i Kamembe"), token="another-token")
    line.post(form("Mudufashe, ndi i Kamembe"))
    for row in (*line.rows(Inbox), *line.rows(Quarantine)):
        for column in row.values():
            assert b"Mudufashe" not in (column if isinstance(column, bytes) else str(column).encode())
            assert b"780000101" not in (column if isinstance(column, bytes) else str(column).encode())
