"""Acts about what comes in: webhooks that are forged, that we wrongly take for forged, and that come again and again."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Event

from sqlalchemy import func, select

from hotline.gateways.contract import form
from hotline.gateways.twilio import sign, signed_bytes
from tests.faults.harness.facts import Acked, Act
from tests.faults.harness.parts import INBOX, TOKEN, World
from tests.faults.harness.stage import Stage
from tests.faults.harness.traffic import TARGET, Letter, Wire, request

NEXT_TOKEN = "invented-next-token"
MOST_COPIES = 7


def forged(stage: Stage) -> Act:
    """Webhooks that nobody proved to be of the gateway, in seven ways, among genuine ones."""
    world, taken = stage.world, Counter[str]()
    false = list(_forgeries(stage, stage.plan.forgeries))

    def injure(_: Event) -> list[datetime]:
        wire, started = Wire(world.running.site.settings.web_port), datetime.now(UTC)
        for letter in false:
            taken[wire.post(letter.request)] += 1
        wire.close()
        return [started]

    moments = stage.post("T-IN-5", stage.letters(60), 20, injure)
    measured = {
        "forgeries taken": float(sum(number for status, number in taken.items() if not status.startswith("4"))),
        "forgeries stored": float(_stored(world, [letter.external_id for letter in false])),
    }
    return Act("T-IN-5", f"{len(false):,} forgeries, in {len(WAYS)} ways", len(moments), tuple(moments), measured)


def wrong_token(stage: Stage) -> Act:
    """The gateway signs with a token we do not have yet: its texts are kept aside; once we have it, they are taken in."""
    world = stage.world
    texts = [resigned(letter, NEXT_TOKEN, world) for letter in stage.letters(40)]
    wire, started = Wire(world.running.site.settings.web_port), datetime.now(UTC)
    heard = Counter(wire.post(letter.request) for letter in texts)
    wire.close()
    world.running.settings["twilio_auth_tokens"] = f"{TOKEN},{NEXT_TOKEN}"
    mended = world.running.command("quarantine", "verify")
    world.running.settings["twilio_auth_tokens"] = TOKEN
    now = datetime.now(UTC)
    world.post.acked += [Acked(text.external_id, text.body, text.words, now, 0.0, "T-IN-6") for text in texts]
    world.settle(stage.plan.settle)
    measured = {"turned away": float(heard["403"]), "not mended": float(mended.returncode)}
    return Act("T-IN-6", f"{len(texts)} texts under a token not yet ours", 1, (started,), measured)


def repeated(stage: Stage) -> Act:
    """Each webhook comes up to seven times, by sixteen connections at once."""
    copies = [letter for letter in stage.letters(60) for _ in range(stage.chance.randint(1, MOST_COPIES))]
    stage.chance.shuffle(copies)
    stage.post("T-IN-7", copies, 80, lambda _: [])
    return Act("T-IN-7", f"60 webhooks, {len(copies)} times in all", len(copies))


def resigned(letter: Letter, token: str, world: World, *, target: str = TARGET) -> Letter:
    """Return a letter signed with another token, or for another address."""
    again = request(TARGET, letter.body, {"X-Twilio-Signature": _proof(letter, token, world, target=target)})
    return Letter(letter.external_id, letter.words, letter.body, again, letter.readable)


def _proof(letter: Letter, token: str, world: World, *, target: str = TARGET) -> str:
    return sign(token, signed_bytes(world.running.site.settings.public_url + target, form(letter.body))).decode()


def _forgeries(stage: Stage, number: int) -> Iterator[Letter]:
    """Yield genuine letters made false, each in one of the ways."""
    genuine = stage.letters(number)
    for place, letter in enumerate(genuine):
        way = WAYS[place % len(WAYS)]
        false = way(letter, stage.world)
        assert false != letter.request, way.__name__
        yield Letter(letter.external_id, letter.words, letter.body, false)


def _unsigned(letter: Letter, _: World) -> bytes:
    return request(TARGET, letter.body, {})


def _empty(letter: Letter, _: World) -> bytes:
    return request(TARGET, letter.body, {"X-Twilio-Signature": ""})


def _other_token(letter: Letter, world: World) -> bytes:
    return resigned(letter, "a-guess", world).request


def _other_address(letter: Letter, world: World) -> bytes:
    return resigned(letter, TOKEN, world, target="/in/twilio/status").request


def _other_words(letter: Letter, _: World) -> bytes:
    head, _, body = letter.request.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n" + body[:-1] + (b"a" if body[-1:] != b"a" else b"b")


def _cut_short(letter: Letter, world: World) -> bytes:
    return request(TARGET, letter.body, {"X-Twilio-Signature": _proof(letter, TOKEN, world)[:-1]})


def _no_base64(letter: Letter, _: World) -> bytes:
    return request(TARGET, letter.body, {"X-Twilio-Signature": "\xff" * 28})


WAYS = (_unsigned, _empty, _other_token, _other_address, _other_words, _cut_short, _no_base64)


def _stored(world: World, external_ids: list[str]) -> int:
    """Return how many of these the inbox holds."""
    with world.running.site.db.reading() as session:
        there = select(func.count()).select_from(INBOX).where(INBOX.c.external_id.in_(external_ids))
        return session.scalar(there) or 0
