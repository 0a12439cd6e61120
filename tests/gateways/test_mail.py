"""E-mail by a mail server that behaves badly on purpose: what is surely not sent, what may be, who is believed.

People, addresses and passwords are invented.
"""

from collections.abc import Iterator
from email import message_from_string
from email.policy import default
from pathlib import Path

import pytest

from hotline.gateways.contract import Certainty, OutboundText, Sent
from hotline.gateways.mail import ADDRESS, Mail
from tests.gateways.post_office import HANGS_UP, SAYS_NOTHING, PostOffice, certificate_in, login_of, post_office
from tests.gateways.vendors import made

LETTER = OutboundText(
    "01a", "desk@agency.example", "Hari dosiye: K7-4QM9\n\nUrugo n'umwana, é.\n.\n\nhttps://desk.example/referrals\n"
)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[PostOffice]:
    with post_office(certificate_in(tmp_path)) as server:
        yield server


def mail(office: PostOffice, folder: Path, **changed: object) -> Mail:
    plain = {"mail_port": office.port, "mail_security": "none", "mail_username": "", "read_timeout_seconds": 0.4}
    return made("mail", folder, **{**plain, **changed})  # type: ignore[return-value]


def test_a_letter_arrives_whole_and_asks_for_no_answer(office: PostOffice, tmp_path: Path) -> None:
    (sent,) = mail(office, tmp_path).send([LETTER])
    assert sent == Sent("01a", Certainty.ACCEPTED)
    assert [line for line in office.heard if "@" in line] == ["mail FROM:<line@hotline.example>", "rcpt TO:<desk@agency.example>"]
    (kept,) = office.kept
    letter = message_from_string(kept.removesuffix(".\r\n").replace("\r\n..", "\r\n."), policy=default)
    assert (letter["Subject"], letter["To"], letter["Message-ID"]) == (
        "Hari dosiye: K7-4QM9",
        "desk@agency.example",
        "<01a@hotline.example>",
    )
    assert letter["Auto-Submitted"] == "auto-generated"
    assert "\n".join(letter.get_content().splitlines()) == "Urugo n'umwana, é.\n.\n\nhttps://desk.example/referrals"


@pytest.mark.parametrize(
    ("step", "says", "expected"),
    [
        ("greeting", "554 no", Sent("01a", Certainty.REFUSED, code="554", retry=True)),
        ("greeting", HANGS_UP, Sent("01a", Certainty.REFUSED, code="unreachable", retry=True)),
        ("greeting", SAYS_NOTHING, Sent("01a", Certainty.REFUSED, code="unreachable", retry=True)),
        ("MAIL", "451 later", Sent("01a", Certainty.REFUSED, code="451", retry=True)),
        ("MAIL", "553 not you", Sent("01a", Certainty.REFUSED, code="553", retry=True)),
        ("RCPT", "450 greylisted", Sent("01a", Certainty.REFUSED, code="450", retry=True, theirs=True)),
        ("RCPT", "550 nobody here", Sent("01a", Certainty.REFUSED, code="550", theirs=True)),
        ("RCPT", "421 closing", Sent("01a", Certainty.REFUSED, code="421", retry=True)),
        ("DATA", "452 full", Sent("01a", Certainty.REFUSED, code="452", retry=True)),
        ("words", "451 later", Sent("01a", Certainty.REFUSED, code="451", retry=True)),
        ("words", "554 spam", Sent("01a", Certainty.REFUSED, code="554")),
        ("words", HANGS_UP, Sent("01a", Certainty.UNKNOWN, code="no answer")),
        ("words", SAYS_NOTHING, Sent("01a", Certainty.UNKNOWN, code="no answer")),
    ],
)
def test_what_went_wrong_is_told_by_the_step_at_which_it_did(
    office: PostOffice, tmp_path: Path, step: str, says: str, expected: Sent
) -> None:
    office.says[step] = says
    assert mail(office, tmp_path).send([LETTER]) == [expected]


def test_nobody_there_means_surely_not_sent(tmp_path: Path) -> None:
    with post_office() as gone:
        pass
    assert mail(gone, tmp_path).send([LETTER]) == [Sent("01a", Certainty.REFUSED, code="unreachable", retry=True)]


def test_a_password_is_said_only_to_who_proves_a_name(office: PostOffice, tmp_path: Path) -> None:
    secured = {"mail_security": "starttls", "mail_username": "hotline", "mail_host": "localhost"}
    (sent,) = mail(office, tmp_path, **secured).send([LETTER])
    assert (sent.certainty, sent.retry, office.secured) == (Certainty.REFUSED, True, 0)
    assert not any(line.startswith("AUTH") for line in office.heard)
    trusting = mail(office, tmp_path, **secured, partners_ca=str(office.certificate))
    assert trusting.send([LETTER])[0].certainty is Certainty.ACCEPTED
    assert [login_of(line) for line in office.heard if line.startswith("AUTH")] == ["hotline invented-password"]
    office.says["AUTH"] = "535 wrong"
    assert trusting.send([LETTER]) == [Sent("01a", Certainty.REFUSED, code="535", retry=True)]
    office.says["EHLO"] = "250 hotline.example"
    (sent,) = trusting.send([LETTER])
    assert (sent.certainty, sent.code) == (Certainty.REFUSED, "no TLS or login")


@pytest.mark.parametrize(
    "address",
    [
        "desk",
        "a@b",
        "a@b.example\nBcc: x@y.example",
        "a b@c.example",
        "<a@b.example>",
        "@b.example",
        "é@b.example",
        "a@-b.example",
    ],
)
def test_what_is_no_address_is_known_for_none(address: str) -> None:
    assert not ADDRESS.fullmatch(address)


def test_what_lacks_is_named(tmp_path: Path) -> None:
    assert made("mail", tmp_path).lacking() == ()
    wrong = made("mail", tmp_path, mail_from="", mail_password="", partners_ca="/nowhere.pem")
    assert wrong.lacking() == ("HOTLINE_MAIL_FROM", "HOTLINE_MAIL_PASSWORD", "HOTLINE_PARTNERS_CA")
