"""The door for gateways that sign nothing: secrets in paths, clients behind proxies, GET, and no 404 for a mistake of ours."""

from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from sqlalchemy import update

from hotline import log
from hotline.config import Settings, load
from hotline.deployment import Deployment
from hotline.gateways.contract import Webhook
from hotline.intake import quarantine
from hotline.models import Caller, Inbox, InboxState, Quarantine, table
from hotline.peer import client
from tests.gateways.vendors import FORMER, SECRET, SETTINGS, THEIR_ADDRESS, Knock, knock
from tests.line import Line

SMS = [("from", b"+250780000101"), ("to", b"7788"), ("text", b"Mudufashe"), ("id", b"ATXid_1")]


def with_settings(deployment: Deployment, **changed: object) -> Line:
    chosen = {**deployment.settings.model_dump(), **SETTINGS, **changed, "_env_file": None}
    return Line(Deployment(Settings(**chosen)))


@pytest.fixture
def line(deployment: Deployment) -> Iterator[Line]:
    made = with_settings(deployment)
    yield made
    made.site.close()


def open_(line: Line, one: Knock, **environ: str) -> int:
    path, _, query = one.target.partition("?")
    overrides = {"REMOTE_ADDR": one.peer, **environ}
    answer = line.client.open(
        path, query_string=query, method=one.method, data=one.body, headers=dict(one.headers), environ_overrides=overrides
    )
    return answer.status_code


def at(line: Line, gateway: str, kind: str = "sms", pairs: object = SMS, method: str = "POST") -> Knock:
    found = line.site.shelf.get(gateway)
    assert found is not None
    return knock(found, kind, pairs, method=method)  # type: ignore[arg-type]


def test_a_wrong_secret_is_refused_kept_aside_and_mended_by_the_right_one(line: Line, deployment: Deployment) -> None:
    other = with_settings(deployment, hook_secrets=(FORMER,))
    genuine = at(line, "africastalking")
    assert open_(other, genuine) == 403
    (aside,) = other.rows(Quarantine)
    assert aside["reason"] == "secret"
    assert SECRET not in str(dict(aside))
    assert quarantine.verify_again(line.site) == quarantine.Checked(genuine=1, forged=0)
    line.work()
    assert line.told(line.case()["id"]) == ["Mudufashe"]
    other.site.close()


def test_a_changed_address_of_theirs_is_mended_from_the_quarantine_as_well(line: Line, deployment: Deployment) -> None:
    moved = Knock("POST", at(line, "africastalking").target, at(line, "africastalking").body, peer="198.51.100.9")
    assert open_(line, moved) == 403
    mended = with_settings(deployment, africastalking_addresses=("203.0.113.0/28", "198.51.100.0/24"))
    assert quarantine.verify_again(mended.site).genuine == 1
    mended.site.close()


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_a_get_is_for_those_who_say_so(line: Line, method: str) -> None:
    genuine = at(line, "africastalking")
    assert open_(line, Knock(method, genuine.target, genuine.body)) == 405
    assert line.rows(Inbox) == []


def test_the_query_of_a_get_is_kept_to_the_last_byte(line: Line) -> None:
    genuine = at(line, "kannel", pairs=[("id", b"a"), ("from", b"250780000101"), ("text", b"a\xff\x00+&= b")], method="GET")
    assert open_(line, genuine) == 200
    (row,) = line.rows(Inbox)
    kept = Webhook.unpacked(line.site.opener.open(row["sealed"], f"inbox|sealed|{row['id']}"))
    assert kept.target == genuine.target
    line.work()
    assert line.told(line.case()["id"]) == ["a\udcff\x00+&= b"]


@pytest.mark.parametrize(
    "path",
    [
        "/in/jasmin",
        "/in/jasmin/",
        "/in/jasmin/mo",
        "/in/jasmin/mo/secret",
        "/in/kannel/voice",
        "/in/twilio/voices",
        "/in/twilio",
    ],
)
def test_a_path_that_is_wrong_at_a_gateway_hears_come_again_and_not_never_again(line: Line, path: str) -> None:
    answer = line.client.post(path, data="id=1")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_a_gateway_whose_settings_are_lost_hears_come_again(deployment: Deployment) -> None:
    bare = with_settings(deployment, jasmin_send_url="")
    assert bare.client.post("/in/jasmin/sms/x", data="id=1").status_code == 503
    assert bare.client.post("/in/nobody/sms/x", data="id=1").status_code == 404
    bare.site.close()


def test_a_wrong_secret_at_jasmin_is_no_404_either(line: Line) -> None:
    genuine = at(line, "jasmin")
    assert open_(line, Knock("POST", genuine.target + "x", genuine.body)) == 403
    assert len(line.rows(Quarantine)) == 1


@pytest.mark.parametrize(
    ("remote", "forwarded", "trusted", "seen"),
    [
        (THEIR_ADDRESS, "", (), THEIR_ADDRESS),
        (THEIR_ADDRESS, "198.51.100.1", (), THEIR_ADDRESS),
        ("127.0.0.1", THEIR_ADDRESS, ("127.0.0.1/32",), THEIR_ADDRESS),
        ("127.0.0.1", f"198.51.100.1, {THEIR_ADDRESS}", ("127.0.0.1/32",), THEIR_ADDRESS),
        ("127.0.0.1", f"{THEIR_ADDRESS}, 198.51.100.1", ("127.0.0.1/32",), "198.51.100.1"),
        ("127.0.0.1", f"{THEIR_ADDRESS}, 10.0.0.2", ("127.0.0.1/32", "10.0.0.0/8"), THEIR_ADDRESS),
        ("127.0.0.1", f"{THEIR_ADDRESS}", ("10.0.0.0/8",), "127.0.0.1"),
        ("127.0.0.1", "", ("127.0.0.1/32",), "127.0.0.1"),
        ("127.0.0.1", " , ", ("127.0.0.1/32",), "127.0.0.1"),
        ("", THEIR_ADDRESS, ("127.0.0.1/32",), ""),
        ("::1", "2001:db8::7", ("::1/128",), "2001:db8::7"),
        ("127.0.0.1", "unknown", ("127.0.0.1/32",), "unknown"),
    ],
)
def test_only_our_own_proxy_is_believed_who_the_client_is(
    remote: str, forwarded: str, trusted: tuple[str, ...], seen: str
) -> None:
    assert client(remote, forwarded, [ip_network(network) for network in trusted]) == seen


def test_behind_our_proxy_the_client_it_saw_counts(deployment: Deployment) -> None:
    behind = with_settings(deployment, trusted_proxies=("127.0.0.1",))
    genuine = at(behind, "africastalking")
    through = Knock(genuine.method, genuine.target, genuine.body, genuine.headers, peer="127.0.0.1")
    assert open_(behind, through, HTTP_X_FORWARDED_FOR=f"198.51.100.1, {THEIR_ADDRESS}") == 200
    assert open_(behind, through, HTTP_X_FORWARDED_FOR=f"{THEIR_ADDRESS}, 198.51.100.1") == 403
    assert open_(behind, through) == 403
    behind.site.close()


def test_no_secret_is_seen_in_a_row_or_a_log(line: Line) -> None:
    genuine = at(line, "africastalking")
    assert open_(line, genuine) == 200
    token = genuine.target.rpartition("/")[2]
    (row,) = line.rows(Inbox)
    for column in row.values():
        assert token.encode() not in (column if isinstance(column, bytes) else str(column).encode())
    for secret in (SECRET, token, "invented-api-key"):
        assert secret not in log.without_secrets(f"POST /in/africastalking/sms/{secret}")


def test_an_opt_out_at_the_gateway_is_obeyed_and_a_stranger_s_is_no_trouble(line: Line) -> None:
    assert open_(line, at(line, "africastalking")) == 200
    line.work()
    before = len(line.sent)
    with line.site.db.transaction() as session:
        session.execute(update(table(Caller)).values(opted_out_at=None))
    for number in (b"+250780000101", b"+250780000199", b"MTN"):
        assert open_(line, at(line, "africastalking", "optout", [("senderId", b"7788"), ("phoneNumber", number)])) == 200
    line.work()
    (caller,) = line.rows(Caller)
    assert caller["opted_out_at"] == line.now
    assert {row["state"] for row in line.rows(Inbox)} == {InboxState.DONE}
    assert len(line.sent) == before, "nobody is written to"


@pytest.mark.parametrize("short", ["x" * 31, f"{'x' * 32},b"])
def test_a_secret_that_could_be_guessed_is_not_taken(short: str) -> None:
    with pytest.raises(SystemExit, match="openssl rand"):
        load(hook_secrets=short, _env_file=None)
