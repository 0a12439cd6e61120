"""What one webhook of a call said, understood from the place that rides in its address: the door and a worker read it alike."""

import base64
import binascii
from dataclasses import dataclass, replace

from hotline.deployment import Deployment
from hotline.gateways.contract import Webhook
from hotline.gateways.voice import Calls, CallStep, Far, Tape
from hotline.intake.ussd.walk import Step
from hotline.intake.voice.tree import STOPS
from hotline.intake.voice.walk import Place, Turn, first, hear
from hotline.privacy import CannotOpen


@dataclass(frozen=True, slots=True)
class CallHeard:
    """One step of a call. `call` is the keyed hash of the provider's id `named`; `over`: it came to its end, whichever way.

    `sender` is empty where the webhook does not say who called: it is then joined by its call. `placed` is our own name of a
    call that we placed, and `reached` says that somebody has pressed the key of its gate. `far` and
    `talked` are those of the step.
    """

    call: str
    sender: str
    language: str
    steps: tuple[Step, ...] = ()
    begun: bool = False
    tape: Tape | None = None
    over: bool = False
    named: str = ""
    placed: str = ""
    reached: bool = False
    far: Far | None = None
    talked: int | None = None


def call_of(deployment: Deployment, gateway: str, call: str) -> str:
    """Return the keyed hash by which a call is known, 32 hex digits."""
    return deployment.keyring.repeat_index(gateway, "voice", call)


def turn_of(deployment: Deployment, call: str, step: CallStep) -> Turn:
    """Return what a step does, from the place in its address; one that does not open is no place, and the call begins anew."""
    before = _place(deployment, call, step.at)
    if before is None:
        return first(deployment.settings.default_language, step.placed, machine=step.machine)
    return hear(before, step.keys, taped=step.tape is not None, far=step.far)


def onward(deployment: Deployment, call: str, place: Place) -> str:
    """Return a place sealed for an address."""
    sealed = deployment.keyring.dialled.seal(place.packed(), _bound_to(call))
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def understood(deployment: Deployment, name: str, gateway: Calls, webhook: Webhook) -> CallHeard:
    """Return what a webhook of a call said. Raises Unreadable."""
    step = gateway.read_call(webhook)
    call = call_of(deployment, name, step.call)
    sender = step.sender if step.asks or step.over else ""
    if not step.asks and not step.at:
        language = deployment.settings.default_language
        event = CallHeard(call, sender, language, tape=step.tape, over=step.over, named=step.call, placed=step.placed)
        return replace(event, far=step.far, talked=step.talked)
    turn = turn_of(deployment, call, step)
    over = step.over or STOPS[turn.place.stop].last
    begun = turn.begun and step.asks
    steps = turn.steps if step.asks or step.tape else ()
    placed, reached = turn.place.placed or step.placed, turn.place.reached
    heard = CallHeard(call, sender, turn.place.language, steps, begun, step.tape, over, step.call, placed, reached)
    return replace(heard, far=step.far, talked=step.talked)


def _place(deployment: Deployment, call: str, at: str) -> Place | None:
    if not at:
        return None
    try:
        sealed = base64.urlsafe_b64decode(at.encode() + b"=" * (-len(at) % 4))
        return Place.unpacked(deployment.keyring.dialled.open(sealed, _bound_to(call)))
    except (CannotOpen, binascii.Error, ValueError):
        return None


def _bound_to(call: str) -> str:
    return f"call|at|{call}"
