"""Who is really calling: the client's address, believed from a proxy only where that proxy is one of ours."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address

Network = IPv4Network | IPv6Network


def client(remote: str, forwarded: str, trusted: Sequence[Network]) -> str:
    """Return the client's address.

    `forwarded` is X-Forwarded-For. Anybody may write into it from the left; each proxy adds on the right whom it saw. So it
    is read from the right, for as long as whoever said it is trusted.
    """
    seen = remote
    for hop in reversed(forwarded.split(",")):
        if not hop.strip() or not _ours(seen, tuple(trusted)):
            break
        seen = hop.strip()
    return seen


@lru_cache(maxsize=256)
def _ours(address: str, trusted: tuple[Network, ...]) -> bool:
    try:
        there = ip_address(address)
    except ValueError:
        return False
    return any(there in network for network in trusted)
