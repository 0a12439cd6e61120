"""E-mail to contacts, by a mail server of the hotline's own choice (SMTP, RFC 5321), beside the text to their phone.

A body is a subject, a blank line and the words: that something waits, its code, and where to read it; never what. Only a whole
answer after the words counts; where the connection ends there, nobody knows (RFC 5321, 4.2.5). A message given again keeps its
Message-ID, by which many mailboxes show it once; none promises to.
"""

import re
import smtplib
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import localtime
from pathlib import Path
from typing import Final

from hotline.config import Settings
from hotline.gateways.contract import Certainty, OutboundText, Sent
from hotline.gateways.outward import Outward
from hotline.privacy import Keyring

# What an HTML form takes for an e-mail address (html.spec.whatwg.org, 4.10.5.1.5), with a dot in the domain.
LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
ADDRESS: Final = re.compile(rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@(?:{LABEL}\.)+{LABEL}")
TAKEN: Final = 250
SEVEN_BITS: Final = SMTP.clone(cte_type="7bit")  # every mail server takes these


class Mail(Outward):
    """One mail server and one sender."""

    name = "mail"
    folds_copies = False

    def __init__(self, settings: Settings) -> None:
        self._host, self._port, self._security = settings.mail_host, settings.mail_port, settings.mail_security
        self._user, self._password = settings.mail_username, settings.mail_password.get_secret_value()
        self._from, self._ca, self._patience = settings.mail_from, settings.partners_ca, settings.read_timeout_seconds
        self.secrets = tuple(filter(None, [self._password]))

    def lacking(self) -> tuple[str, ...]:
        """Return what is not set, or not there."""
        lost = self._ca and not Path(self._ca).is_file()
        wrong = {
            "HOTLINE_MAIL_FROM": not ADDRESS.fullmatch(self._from),
            "HOTLINE_MAIL_PASSWORD": self._user and not self._password,
            "HOTLINE_PARTNERS_CA": lost,
        }
        return tuple(name for name, it_is in wrong.items() if it_is)

    def send(self, texts: Sequence[OutboundText]) -> list[Sent]:
        """Hand each text to the mail server, by a connection of its own."""
        return [self._send(text) for text in texts]

    def _send(self, text: OutboundText) -> Sent:
        try:
            with self._connected() as server:
                return self._hand_over(server, text)
        except smtplib.SMTPResponseException as error:  # a greeting, a login, or STARTTLS that was refused: ours to mend
            return Sent(text.id, Certainty.REFUSED, code=str(error.smtp_code), retry=True)
        except ssl.SSLError:
            return Sent(text.id, Certainty.REFUSED, code="certificate", retry=True)
        except (smtplib.SMTPNotSupportedError, smtplib.SMTPHeloError):
            return Sent(text.id, Certainty.REFUSED, code="no TLS or login", retry=True)
        except (smtplib.SMTPException, OSError, UnicodeError):
            return Sent(text.id, Certainty.REFUSED, code="unreachable", retry=True)

    def _connected(self) -> smtplib.SMTP:
        """Return a connection that is encrypted and signed in as the settings say. Raises what smtplib raises."""
        domain = self._from.rpartition("@")[2]
        plain = self._security != "tls"
        server = (
            smtplib.SMTP(self._host, self._port, domain, self._patience)
            if plain
            else smtplib.SMTP_SSL(self._host, self._port, domain, timeout=self._patience, context=trusting(self._ca))
        )
        try:
            if self._security == "starttls":
                server.starttls(context=trusting(self._ca))
            if self._user:
                server.login(self._user, self._password)
        except BaseException:
            server.close()
            raise
        return server

    def _hand_over(self, server: smtplib.SMTP, text: OutboundText) -> Sent:
        server.ehlo_or_helo_if_needed()
        code, _ = server.mail(self._from)
        if code != TAKEN:
            return Sent(text.id, Certainty.REFUSED, code=str(code), retry=True)
        code, _ = server.rcpt(text.to)
        if code not in (TAKEN, 251):
            return Sent(text.id, Certainty.REFUSED, code=str(code), retry=code < 500, theirs=code != 421)
        try:
            code, _ = server.data(self._written(text))
        except smtplib.SMTPDataError as error:
            code = int(error.smtp_code)
        except (smtplib.SMTPException, OSError):
            return Sent(text.id, Certainty.UNKNOWN, code="no answer")
        if code == TAKEN:
            return Sent(text.id, Certainty.ACCEPTED)
        return Sent(text.id, Certainty.REFUSED, code=str(code), retry=code < 500)

    def _written(self, text: OutboundText) -> bytes:
        subject, _, words = text.body.partition("\n\n")
        message = EmailMessage(policy=SEVEN_BITS)
        message["Subject"], message["From"], message["To"] = subject, self._from, text.to
        message["Date"] = localtime()
        message["Message-ID"] = f"<{text.id}@{self._from.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office note comes back
        message.set_content(words or subject)
        return message.as_bytes()


def trusting(authority: str) -> ssl.SSLContext:
    """Return what decides whom we believe: the system's certificates, and those of a file beside them. Raises OSError."""
    context = ssl.create_default_context()
    if authority:
        context.load_verify_locations(authority)
    return context


def make(settings: Settings, keyring: Keyring) -> Mail | None:  # noqa: ARG001  its secrets are settings
    """Return the gateway when a mail server is set."""
    return Mail(settings) if settings.mail_host else None
