"""The phones' pages: two handsets, what they hold, and what really went over the wire.

A phone is named by its profile's key. A number typed by hand stays in the signed session and stands in no address and no log.
Only a browser on this machine is answered.
"""

import ipaddress
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, current_app, make_response, redirect, render_template, request, session, url_for
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response as BaseResponse

from hotline.simulator.calling import KEYS, LARGEST_TAPE, Call, Calling
from hotline.simulator.dialling import CODE, LONGEST_ANSWER, Dialling, Session
from hotline.simulator.handsets import Handsets, Moment, Mood, Text
from hotline.simulator.profiles import Profile, Role
from hotline.simulator.receipts import Receipts
from hotline.simulator.send import Carrier

SIDES = ("a", "b")
GLIMPSE = 30
LONGEST_TEXT = 1600
LONGEST_SENDER = 20
CODED = re.compile(r"\b([1-9]) ([0-9A-Z]{2}-[0-9A-Z]{4})\b")
NUMBERED = re.compile(r"\b([1-9]) ([^\W\d_][^,.;:?!]*)")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True)
class Phone:
    """One of the two phones as the page shows it."""

    side: str
    profile: Profile
    texts: tuple[Text, ...]
    unread: int
    held: int
    moment: Moment
    session: Session | None = None
    call: Call | None = None

    @property
    def newest(self) -> Text | None:
        """The newest text that arrived, which a locked screen would show."""
        return next((text for text in reversed(self.texts) if text.arrived), None)

    @property
    def glimpse(self) -> str:
        """What a locked screen shows of it to whoever picks the phone up."""
        return self.newest.body[:GLIMPSE] if self.newest else ""

    @property
    def answers(self) -> tuple[tuple[str, str], ...]:
        """Answers the last text offers, while it is the last."""
        return answers(self.texts[-1].body) if self.texts and self.texts[-1].arrived else ()


class Pages:
    """The views of one deployment's phones."""

    def __init__(
        self, handsets: Handsets, carrier: Carrier, receipts: Receipts | None, calling: Calling, *, profiles: Sequence[Profile]
    ) -> None:
        self.calling = calling
        self.handsets = handsets
        self.pause: Callable[[float], None] = time.sleep
        self._carrier = carrier
        self.dialling = Dialling(handsets, carrier)
        self._receipts = receipts
        self._profiles = {profile.key: profile for profile in profiles}

    def blueprint(self) -> Blueprint:
        """Return the pages as a blueprint that answers this machine alone."""
        made = Blueprint("simulator", __name__, url_prefix="/simulator", template_folder="templates", static_folder="static")
        made.before_request(only_from_here)
        made.before_request(make_room)
        made.before_request(refuse_forgeries)
        made.after_request(self._guarded)
        made.add_url_rule("", "show", self.show)
        made.add_url_rule("/phones/<a>/<b>", "live", self.live)
        made.add_url_rule("/choose", "choose", self.choose, methods=["POST"])
        made.add_url_rule("/phones/<key>/texts", "send", self.send, methods=["POST"])
        made.add_url_rule("/phones/<key>/texts/<text_id>/again", "again", self.again, methods=["POST"])
        made.add_url_rule("/phones/<key>/dial", "dial", self.dial, methods=["POST"])
        made.add_url_rule("/phones/<key>/typed", "typed", self.typed, methods=["POST"])
        made.add_url_rule("/phones/<key>/hang-up", "hang_up", self.hang_up, methods=["POST"])
        made.add_url_rule("/phones/<key>/call", "call", self.call, methods=["POST"])
        made.add_url_rule("/phones/<key>/beep", "beep", self.beep, methods=["POST"])
        made.add_url_rule("/phones/<key>/pick-up", "pick_up", self.pick_up, methods=["POST"])
        made.add_url_rule("/phones/<key>/press", "press", self.press, methods=["POST"])
        made.add_url_rule("/phones/<key>/spoken", "spoken", self.spoken, methods=["POST"])
        made.add_url_rule("/phones/<key>/network", "network", self.network, methods=["POST"])
        made.add_url_rule("/phones/<key>/read", "read", self.read, methods=["POST"])
        made.add_url_rule("/phones/<key>/reset", "reset", self.reset, methods=["POST"])
        made.add_url_rule("/phones/<key>/transcript", "transcript", self.transcript)
        return made

    def show(self) -> str:
        """Show the whole page."""
        phones = [self._phone(side, self._profile(self._chosen(side))) for side in SIDES]
        people = {
            role: [p for p in self._profiles.values() if p.role is role] for role in (Role.REPORTER, Role.CONTACT, Role.OFFICER)
        }
        settings = self.handsets.deployment.settings
        own = session.get("own_numbers", {})
        return render_template("simulator/page.html", people=people, own=own, settings=settings, **self._shared(phones))

    def live(self, a: str, b: str) -> BaseResponse:
        """Show what changes on the two phones. 304 while nothing has."""
        phones = [self._phone(side, self._profile(key)) for side, key in zip(SIDES, (a, b), strict=True)]
        reply = make_response(render_template("simulator/live.html", **self._shared(phones)))
        reply.add_etag()
        return reply.make_conditional(request)

    def choose(self) -> BaseResponse:
        """Give a phone to somebody else, or put a number of one's own in."""
        side = request.form.get("side", "")
        key = request.form.get("profile", "")
        if side not in SIDES:
            abort(400)
        if number := request.form.get("number", "").strip()[:LONGEST_SENDER]:
            key = f"own-{side}"
            session["own_numbers"] = {**session.get("own_numbers", {}), key: number}
        self._profile(key)
        session[f"phone_{side}"] = key
        return _back()

    def send(self, key: str) -> BaseResponse:
        """Send a text from a phone through the real webhook. What the network refuses stays on the phone. A code is dialled."""
        profile = self._profile(key)
        body = request.form.get("text", "").replace("\r\n", "\n").strip()[:LONGEST_TEXT]
        if CODE.fullmatch(body):
            self.dialling.dial(profile.number, body)
        elif body:
            self.handsets.read(profile.number)
            self._post(profile, self.handsets.begin(profile.number, body), body)
        return _back()

    def again(self, key: str, text_id: str) -> BaseResponse:
        """Try a text again that did not get away; under the same id, so that it is stored once at most."""
        profile = self._profile(key)
        body = self.handsets.unsent(profile.number, text_id)
        if body is not None:
            self._post(profile, text_id, body)
        return _back()

    def dial(self, key: str) -> BaseResponse:
        """Dial the hotline's code."""
        self.dialling.dial(self._profile(key).number, self.handsets.deployment.settings.ussd_code)
        return _back()

    def typed(self, key: str) -> BaseResponse:
        """Answer the page a phone shows."""
        self.dialling.answer(self._profile(key).number, request.form.get("typed", ""))
        return _back()

    def hang_up(self, key: str) -> BaseResponse:
        """Put the phone down: drop its session or call, or close the last page."""
        self.dialling.drop(self._profile(key).number)
        self.calling.hang_up(self._profile(key).number)
        return _back()

    def call(self, key: str) -> BaseResponse:
        """Call the hotline."""
        self.calling.ring(self._profile(key).number)
        return _back()

    def beep(self, key: str) -> BaseResponse:
        """Ring once and hang up."""
        self.calling.beep(self._profile(key).number)
        return _back()

    def pick_up(self, key: str) -> BaseResponse:
        """Take a call of the hotline's."""
        self.calling.pick_up(self._profile(key).number)
        return _back()

    def press(self, key: str) -> BaseResponse:
        """Press a key in a call; none is silence."""
        self.calling.press(self._profile(key).number, request.form.get("key", ""))
        return _back()

    def spoken(self, key: str) -> BaseResponse:
        """Leave a message in a call: a file, or what the microphone of this browser heard. It stays on this machine."""
        sound = request.files.get("sound")
        if sound is None or not self.calling.leave(self._profile(key).number, sound.read(LARGEST_TAPE)):
            abort(400)
        return _back()

    def network(self, key: str) -> BaseResponse:
        """Change how the network behaves towards a phone."""
        profile = self._profile(key)
        chosen = request.form.get("mood", "")
        if chosen not in list(Mood):
            abort(400)
        let_in = self.handsets.switch(profile.number, Mood(chosen))
        if self._receipts is not None:
            self._receipts.promise(let_in, "delivered")
        return _back()

    def read(self, key: str) -> BaseResponse:
        """Mark everything on a phone as seen."""
        self.handsets.read(self._profile(key).number)
        return _back()

    def reset(self, key: str) -> BaseResponse:
        """Empty a phone."""
        self.dialling.drop(self._profile(key).number)
        self.calling.hang_up(self._profile(key).number)
        self.handsets.empty(self._profile(key).number)
        return _back()

    def transcript(self, key: str) -> Response:
        """Give a phone's texts as plain text, to be copied."""
        deployment = self.handsets.deployment
        code = deployment.settings.tips_code
        lines = [
            f"{deployment.local(text.at):%Y-%m-%d %H:%M:%S}  {code if text.arrived else text.way.name.lower()}: {text.body}\n"
            for text in self.handsets.thread(self._profile(key).number)
        ]
        return Response("".join(lines), content_type="text/plain; charset=utf-8")

    def _post(self, profile: Profile, text_id: str, body: str) -> None:
        moment = self.handsets.moment(profile.number)
        mood = moment.mood
        if mood is Mood.OFF:
            self.handsets.settle(profile.number, text_id, ())
            return
        self.pause(moment.delay())
        number = self.handsets.deployment.sender(profile.number).address
        exchanges = tuple(self._carrier.text(number, mood.carried(body), external_id=text_id) for _ in range(mood.copies))
        self.handsets.settle(profile.number, text_id, exchanges)

    def _phone(self, side: str, profile: Profile) -> Phone:
        box = self.handsets
        box.taken_in_hand(profile.number)
        texts = box.thread(profile.number)
        held = box.held(profile.number)
        unread, session_ = box.unread(profile.number, texts), self.dialling.session(profile.number)
        call = self.calling.call(profile.number)
        return Phone(side, profile, texts, unread, held, box.moment(profile.number), session_, call)

    def _chosen(self, side: str) -> str:
        key = session.get(f"phone_{side}", "")
        if key in self._profiles or key in session.get("own_numbers", {}):
            return str(key)
        role = Role.REPORTER if side == "a" else Role.CONTACT
        fitting = [profile.key for profile in self._profiles.values() if profile.role is role]
        return (fitting or list(self._profiles))[0]

    def _profile(self, key: str) -> Profile:
        if key in self._profiles:
            return self._profiles[key]
        number = session.get("own_numbers", {}).get(key)
        if number is None:
            abort(404)
        return Profile(key, Role.OWN, "", number)

    def _guarded(self, reply: Response) -> Response:
        """Let pages load from here alone, and prompts from where gateways fetch them too."""
        public = urlsplit(self.handsets.deployment.settings.public_url)
        media = f"media-src 'self' blob: {public.scheme}://{public.netloc}"
        reply.headers.setdefault("Content-Security-Policy", f"{POLICY}; {media}")
        return _guarded(reply)

    def _ringing(self, shown: Sequence[Phone]) -> list[Profile]:
        """Return who was told of something or is rung while nobody holds their phone: whom routing chooses no page can know."""
        held = {phone.profile.key for phone in shown}
        others = [profile for profile in self._profiles.values() if profile.key not in held]
        told = self.handsets.ringing([profile.number for profile in others if profile.role is Role.CONTACT])
        return [profile for profile in others if profile.number in told or self.calling.rings(profile.number)]

    def _shared(self, phones: Sequence[Phone]) -> dict[str, object]:
        deployment = self.handsets.deployment
        return {
            "phones": phones,
            "ringing": self._ringing(phones),
            "tips_code": deployment.settings.tips_code,
            "ussd_code": deployment.settings.ussd_code,
            "longest_answer": LONGEST_ANSWER,
            "keys": KEYS,
            "local": deployment.local,
            "moods": tuple(Mood),
        }


def answers(body: str) -> tuple[tuple[str, str], ...]:
    """Return the answers a text offers, each as what to send and how to name it.

    A digit before a handle is one; a digit before a word only where there are at least 1 and 2, since any text may hold a
    number.
    """
    coded = [(f"{digit} {handle}", f"{digit} {handle}") for digit, handle in CODED.findall(body)]
    numbered = [(digit, f"{digit} {label.strip()}") for digit, label in NUMBERED.findall(body)]
    found = coded or (numbered if [digit for digit, _ in numbered][:2] == ["1", "2"] else [])
    return tuple(dict(found).items())


def only_from_here() -> None:
    """Answer nobody but a browser on this machine, by no proxy and under a name no other site can point here."""
    named = request.host.rsplit(":", 1)[0].strip("[]")
    here = (named == "localhost" or _loopback(named)) and _loopback(request.remote_addr or "")
    if not here or "X-Forwarded-For" in request.headers:
        abort(404)


def refuse_forgeries() -> None:
    """Check the token of a form where the application has CSRF protection, whether or not it checks by itself."""
    if (protection := current_app.extensions.get("csrf")) is not None:
        protection.protect()


def _loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def make_room() -> None:
    """Let a recording be as large as two minutes are; before the form is read for its token."""
    if request.endpoint == "simulator.spoken":
        request.max_content_length = LARGEST_TAPE


def _guarded(reply: Response) -> Response:
    reply.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(self)")
    reply.headers.setdefault("X-Content-Type-Options", "nosniff")
    reply.headers.setdefault("Referrer-Policy", "no-referrer")
    if request.endpoint != "simulator.static":
        reply.headers["Cache-Control"] = "no-store"
    # A page left open for hours would post a token that has run out, so each answer brings a fresh one.
    if "csrf" in current_app.extensions and request.endpoint == "simulator.live":
        reply.headers["X-CSRF-Token"] = generate_csrf()
    return reply


def _back() -> BaseResponse:
    return redirect(url_for("simulator.show"), 303)
