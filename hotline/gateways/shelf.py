"""The shelf: which gateways there are, and which this deployment has settings for."""

from collections.abc import Callable, Mapping

from hotline.config import Settings
from hotline.gateways import africastalking, external, httpsms, jasmin, kannel, mail, simulator, smsgate, twilio, webhook
from hotline.gateways.contract import Gateway
from hotline.privacy import Keyring

Maker = Callable[[Settings, Keyring], Gateway | None]

GATEWAYS: Mapping[str, Maker] = {
    "africastalking": africastalking.make,
    "external": external.make,
    "httpsms": httpsms.make,
    "jasmin": jasmin.make,
    "kannel": kannel.make,
    "simulator": simulator.make,
    "smsgate": smsgate.make,
    "twilio": twilio.make,
}
ONE_WAY: Mapping[str, Maker] = {"mail": mail.make, "webhook": webhook.make}


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

    @property
    def secrets(self) -> frozenset[str]:
        """Every secret of these gateways, so that logs can be rid of them."""
        return frozenset(secret for gateway in self._gateways.values() for secret in gateway.secrets)


def stock(settings: Settings, keyring: Keyring) -> Shelf:
    """Make every gateway this deployment has settings for."""
    made = {name: make(settings, keyring) for name, make in {**GATEWAYS, **ONE_WAY}.items()}
    return Shelf({name: gateway for name, gateway in made.items() if gateway is not None})
