"""What the steps of a call tell: the lines an officer reads, and what the keys say by themselves."""

from collections.abc import Iterator, Sequence

from hotline.catalog import REFERENCE, Catalog
from hotline.intake.ussd.tree import Answer, Said
from hotline.intake.ussd.walk import Step
from hotline.intake.voice.heard import CallHeard
from hotline.intake.voice.tree import STOPS, UNHEARD


def telling(heard: CallHeard) -> bool:
    """Whether a step told something, so that somebody should know of it."""
    return heard.tape is not None or any(answer.tells for answer in _answers(heard.steps))


def said(heard: CallHeard) -> Said:
    """Return what the keys of a step tell together; a message that nobody has heard counts by itself."""
    whole = UNHEARD if heard.tape else Said()
    for answer in _answers(heard.steps):
        whole = whole.with_(answer.said)
    return whole


def may_text(heard: CallHeard) -> bool | None:
    """Return what a step says about being texted or called later; None where it says nothing."""
    given = [answer.text for answer in _answers(heard.steps) if answer.text is not None]
    return given[-1] if given else None


def chose(heard: CallHeard, stop: str, name: str) -> bool:
    """Whether a step was this answer."""
    return any((step.screen, step.answer) == (stop, name) for step in heard.steps)


def lines(heard: CallHeard, words: Catalog) -> Iterator[str]:
    """Yield a line for each telling answer; a message left is told of with its recording."""
    for step in heard.steps:
        answer = _answer(step)
        if answer and answer.tells and answer.digit:
            yield words.text(f"calls.{step.screen}_{step.answer}", REFERENCE)


def _answers(steps: Sequence[Step]) -> Iterator[Answer]:
    yield from filter(None, map(_answer, steps))


def _answer(step: Step) -> Answer | None:
    return next((answer for answer in STOPS[step.screen].keys if answer.name == step.answer), None)
