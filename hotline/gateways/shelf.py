"""The shelf: which gateways there are, and which this deployment has settings for."""

from collections.abc import Callable, Mapping

from hotline.config import Settings
from hotline.gateways import simulator, twilio
from hotline.gateways.contract import Gateway
from hotline.privacy import Keyring

Maker = Callable[[Settings, Keyring], Gateway | None]

GATEWAYS: Mapping[str, Maker] = {"simulator": simulator.make, "twilio": twilio.make}


class Shelf:
    """The gateways of this deployment, by name."""

    def __init__(self, gateways: Mapping[str, Gateway]) -> None:
        self._gateways = dict(gateways)

    def get(self, name: str) -> Gateway | None:
        """Return a gateway, or None when this deployment has none of that name."""
        return self._gateways.get(name)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the gateways that stand here."""
        return tuple(self._gateways)


def stock(settings: Settings, keyring: Keyring) -> Shelf:
    """Make every gateway this deployment has settings for."""
    made = {name: make(settings, keyring) for name, make in GATEWAYS.items()}
    return Shelf({name: gateway for name, gateway in made.items() if gateway is not None})
