"""What the steps of a hop tell: the lines an officer reads, the words triage reads, and what the answers say by themselves."""

from collections.abc import Iterator

from hotline.catalog import REFERENCE, Catalog
from hotline.intake.ussd.heard import Heard
from hotline.intake.ussd.tree import ASKED, MENU, SCREENS, Answer, Said
from hotline.intake.ussd.walk import Kept, Step
from hotline.models import MessageKind

WORDS = {Kept.WORDS, Kept.SECTOR}


def telling(heard: Heard) -> tuple[Step, ...]:
    """Return the steps that belong into a report."""
    return tuple(step for step in heard.steps if _tells(step))


def words(heard: Heard) -> str:
    """Return the words of a hop that triage is to read, a line each: what was typed freely, and sectors."""
    return "\n".join(step.words for step in heard.steps if step.answer in WORDS)


def finished(heard: Heard) -> bool:
    """Whether a hop answered the last question there is."""
    return heard.over and any(step.screen == "tell" for step in heard.steps)


def said(heard: Heard) -> Said:
    """Return what the answers of a hop tell together."""
    whole = ASKED if finished(heard) else Said()
    for answer in filter(None, map(answer_of, heard.steps)):
        whole = whole.with_(answer.said)
    return whole


def may_text(heard: Heard) -> bool | None:
    """Return what the hop says about being texted later; None where it says nothing."""
    given = [answer.text for answer in filter(None, map(answer_of, heard.steps)) if answer.text is not None]
    return given[-1] if given else None


def lines(heard: Heard, catalog: Catalog) -> Iterator[tuple[MessageKind, str]]:
    """Yield each telling step as a text of the case: words as a report, a chosen answer with its question."""
    for step in telling(heard):
        if step.answer in WORDS:
            yield MessageKind.REPORT, step.words
        elif step.answer == Kept.LETTERS:
            yield MessageKind.ANSWER_IN, f"{catalog.text(f'ussd.{step.screen}', REFERENCE)} {step.words}"
        else:
            asked = "" if step.screen == MENU else f"{catalog.text(f'ussd.{step.screen}', REFERENCE)} "
            yield MessageKind.ANSWER_IN, asked + catalog.text(f"ussd.{step.screen}_{step.answer}", REFERENCE)


def answer_of(step: Step) -> Answer | None:
    """Return the answer of the tree that a step chose."""
    return next((answer for answer in SCREENS[step.screen].answers if answer.name == step.answer), None)


def _tells(step: Step) -> bool:
    answer = answer_of(step)
    return answer.tells if answer else step.answer not in {Kept.SLIP, Kept.VOTE, Kept.LIST}
