"""Makes of a genuine webhook the one row behind our 200, under the key by which a repeat is known.

The key is the gateway's own id. Where it gives none but says when the text was sent, a keyed hash of who, to whom, when and
what takes its place: the same text of the same second is the gateway trying again. With neither, a second try and a second
cry for help look alike, so each is a row of its own, and intake flags the later one (docs/adr/0015).
"""

from datetime import datetime

from hotline.deployment import Deployment
from hotline.gateways.contract import Gateway, Hop, Unreadable, Webhook, plain_id
from hotline.models import InboxKind, InboxState, new_id
from hotline.privacy import InboxSeal

NAMELESS, HASHED = "none-", "hash-"


def enclose(
    deployment: Deployment, seal: InboxSeal, gateway: Gateway, webhook: Webhook, at: datetime, *, known_as: str | None = None
) -> dict[str, object]:
    """Return the row of the inbox for a webhook received at `at`; `known_as` is its id where the door knows a better one."""
    row_id = new_id()
    external_id = known_as or plain_id(gateway.external_id(webhook)) or _hashed(deployment, gateway, webhook)
    return {
        "id": row_id,
        "gateway": gateway.name,
        "kind": webhook.kind,
        "external_id": external_id or f"{NAMELESS}{row_id}",
        "sealed": seal.seal(webhook.packed(), f"inbox|sealed|{row_id}"),
        "received_at": at,
        "state": InboxState.RECEIVED,
        "attempts": 0,
    }


def session_of(deployment: Deployment, gateway: str, hop: Hop) -> str:
    """Return the keyed hash by which a USSD session is known, 32 hex digits."""
    return deployment.keyring.repeat_index(gateway, "ussd", hop.session)


def without_id(external_id: str) -> bool:
    """Whether the gateway gave no id for what stands under this one."""
    return external_id.startswith((NAMELESS, HASHED))


def _hashed(deployment: Deployment, gateway: Gateway, webhook: Webhook) -> str | None:
    try:
        said = _said(gateway, webhook)
        return f"{HASHED}{deployment.keyring.repeat_index(gateway.name, *said)}" if said else None
    except (Unreadable, OSError):  # without the key there is no hash, and a row without is better than no row
        return None


def _said(gateway: Gateway, webhook: Webhook) -> tuple[str, ...]:
    if webhook.kind != InboxKind.SMS:  # a receipt that comes twice says nothing new
        return (webhook.kind, webhook.target, webhook.body.hex())
    text = gateway.read_text(webhook)
    return (text.sender, text.to, text.sent_at.isoformat(), text.body) if text.sent_at else ()
