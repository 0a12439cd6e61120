"""What only goes out: a gateway that nobody calls. It keeps the contract by refusing all that would come in."""

from collections.abc import Sequence
from datetime import datetime

from hotline.gateways.contract import Answer, Forged, InboundText, OutboundText, StatusUpdate, Unreadable, Webhook


class Outward:
    """The half of the contract that such a gateway has no use for."""

    kinds: frozenset[str] = frozenset()
    methods: frozenset[str] = frozenset()
    per_request = 1

    def address(self, kind: str) -> str:  # noqa: ARG002  the contract names it
        """Return nothing: there is no webhook to be told of."""
        return ""

    def verify(self, webhook: Webhook) -> None:  # noqa: ARG002  the contract names it
        """Refuse: whatever comes is not from there. Raises Forged."""
        raise Forged("unsigned")

    def external_id(self, webhook: Webhook) -> str | None:  # noqa: ARG002  the contract names it
        """Return nothing: there is no event."""
        return None

    def answer(self, kind: str) -> Answer:  # noqa: ARG002  the contract names it
        """Return an empty answer."""
        return Answer("", "text/plain")

    def read_text(self, webhook: Webhook) -> InboundText:  # noqa: ARG002  the contract names it
        """Read nothing. Raises Unreadable."""
        raise Unreadable("kind")

    def read_status(self, webhook: Webhook) -> StatusUpdate:  # noqa: ARG002  the contract names it
        """Read nothing: what becomes of it later is not told. Raises Unreadable."""
        raise Unreadable("kind")

    def find(self, text: OutboundText, since: datetime) -> Sequence[str]:  # noqa: ARG002  the contract names them
        """Return nothing: what was sent is not looked up."""
        return ()
