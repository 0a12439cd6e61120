"""What is said by e-mail or signed webhook, beside a text to a phone or alone: that something waits, its code, where to look.

Never what, where or whose: mailboxes are read on shared screens, and servers keep what they are sent.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Protocol

from hotline.deployment import Deployment

TOLD: Final = "referral.told"


def link(deployment: Deployment) -> str:
    """Return where a contact signs in and finds what their agency was told."""
    return f"{deployment.settings.console_url.rstrip('/')}/referrals"


def mail(deployment: Deployment, handle: str, language: str, now: datetime, *, alone: bool) -> str:  # noqa: ARG001  asked alike
    """Return an e-mail that tells of a case; `alone` where there is no phone that could answer instead."""
    return letter(deployment, "staff.mail_alone" if alone else "staff.mail", handle, language)


def webhook(deployment: Deployment, handle: str, language: str, now: datetime, *, alone: bool) -> str:  # noqa: ARG001  asked alike
    """Return the body of a webhook."""
    return event(deployment, TOLD, handle, now)


def letter(deployment: Deployment, key: str, handle: str, language: str) -> str:
    """Return an e-mail as its gateway takes it: a subject, a blank line, the words."""
    subject = deployment.words.text("staff.mail_subject", language, code=handle)
    words = deployment.words.text(key, language, code=handle)
    return f"{subject}\n\n{words}\n\n{link(deployment)}\n"


def event(deployment: Deployment, kind: str, handle: str, now: datetime, **more: str | None) -> str:
    """Return the body of a webhook of any kind, in the shape that standardwebhooks.com asks for."""
    data = {"code": handle, "link": link(deployment), **more}
    return json.dumps({"type": kind, "timestamp": now.isoformat(timespec="seconds"), "data": data})


class Says(Protocol):
    """What one way says of a case."""

    def __call__(self, deployment: Deployment, handle: str, language: str, now: datetime, *, alone: bool) -> str:
        """Return the body."""


SAYS: Final[Mapping[str, Says]] = {"mail": mail, "webhook": webhook}
