"""What stands in for a signature where a gateway signs nothing: a secret in the path, the client's address, the shape.

The secret of each hook is derived from one secret of the deployment, so that an address that leaks opens one hook of one
gateway and no other. `hotline hooks` shows the addresses; they are secrets.
"""

import base64
import hmac
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address

from hotline.config import Settings
from hotline.gateways.contract import Forged, Webhook

Network = IPv4Network | IPv6Network


class Hook:
    """The hooks of one gateway. The first secret of the deployment is current; later ones are still accepted."""

    def __init__(
        self, name: str, kinds: Iterable[str], settings: Settings, *, base: str, networks: Iterable[Network] = ()
    ) -> None:
        self._name, self._kinds, self._base = name, tuple(kinds), base.rstrip("/")
        self._secrets = [secret.get_secret_value() for secret in settings.hook_secrets]
        self._networks = tuple(networks)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The deployment's secrets, and those in the paths which are derived from them."""
        return (*self._secrets, *(token for kind in self._kinds for token in self.tokens(kind)))

    def tokens(self, kind: str) -> list[str]:
        """Return the secrets accepted in the path of a kind, current first: 256 bits each, 43 characters."""
        bound = f"hook|{self._name}|{kind}".encode()
        digests = (hmac.digest(secret.encode(), bound, "sha256") for secret in self._secrets)
        return [base64.urlsafe_b64encode(digest).rstrip(b"=").decode() for digest in digests]

    def address(self, kind: str) -> str:
        """Return the address of a kind with its current secret."""
        return "/".join([f"{self._base}/in/{self._name}/{kind}", *self.tokens(kind)[:1]])

    def verify(self, webhook: Webhook, known: Iterable[str]) -> None:
        """Return if secret and address are right and one of the `known` fields is there at all. Raises Forged.

        One field is enough: a genuine webhook that lacks one is parked for a person, not refused.
        """
        given = webhook.target.partition("?")[0].rpartition("/")[2].encode("utf-8", "replace")
        if not any(hmac.compare_digest(given, token.encode()) for token in self.tokens(webhook.kind)):
            raise Forged("secret")
        if self._networks and not _within(webhook.peer, self._networks):
            raise Forged("address")
        there = {*webhook.query, *webhook.fields, *webhook.json}
        if not any(name.partition(".")[0] in there for name in known):
            raise Forged("shape")


def _within(peer: str, networks: Iterable[Network]) -> bool:
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    plain = getattr(address, "ipv4_mapped", None) or address
    return any(plain in network for network in networks)
