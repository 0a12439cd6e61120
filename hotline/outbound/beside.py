"""What is said beside a text to a contact's phone, by e-mail or signed webhook: that something waits, its code, where to look.

Never what, where or whose: mailboxes are read on shared screens, and servers keep what they are sent.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from hotline.deployment import Deployment

TOLD: Final = "referral.told"


def link(deployment: Deployment) -> str:
    """Return where a contact signs in and finds what their agency was told."""
    return f"{deployment.settings.console_url.rstrip('/')}/referrals"


def mail(deployment: Deployment, handle: str, language: str, now: datetime) -> str:  # noqa: ARG001  all ways are asked alike
    """Return an e-mail as its gateway takes it: a subject, a blank line, the words."""
    subject = deployment.words.text("staff.mail_subject", language, code=handle)
    words = deployment.words.text("staff.mail", language, code=handle)
    return f"{subject}\n\n{words}\n\n{link(deployment)}\n"


def webhook(deployment: Deployment, handle: str, language: str, now: datetime) -> str:  # noqa: ARG001  JSON has no language
    """Return the body of a webhook."""
    return event(deployment, TOLD, handle, now)


def event(deployment: Deployment, kind: str, handle: str, now: datetime, **more: str | None) -> str:
    """Return the body of a webhook of any kind, in the shape that standardwebhooks.com asks for."""
    data = {"code": handle, "link": link(deployment), **more}
    return json.dumps({"type": kind, "timestamp": now.isoformat(timespec="seconds"), "data": data})


SAYS: Final[Mapping[str, Callable[[Deployment, str, str, datetime], str]]] = {"mail": mail, "webhook": webhook}
