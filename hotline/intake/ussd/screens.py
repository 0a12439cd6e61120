"""What stands on the phone: each page of the tree in each language, made and measured once, before anybody dials.

A page is what goes over the air: `CON ` or `END ` and at most 160 characters of the GSM-7 alphabet; networks cut or refuse more
(Africa's Talking takes 182, Safaricom 160). A page that is too long with a deployment's own names stops the start of the program.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from hotline.catalog import Catalog, CatalogError
from hotline.comeback import HIDDEN, spaced
from hotline.gsm7 import COST
from hotline.intake.ussd.sectors import MOST_SHOWN
from hotline.intake.ussd.tree import BUSY, LANGUAGES, MENU, RADIO, SCREENS, THANKS, Screen
from hotline.intake.ussd.walk import BACK, Standing
from hotline.radio.asking import plain

LONGEST: Final = 160
GO_ON: Final = "CON "
END: Final = "END "
SHORTEST_QUESTION: Final = 20


class Pages:
    """All pages of a deployment. Raises CatalogError when one of them does not fit."""

    def __init__(self, words: Catalog, sectors: Sequence[str]) -> None:
        self._words = words
        self._made = {(name, code): self._page(SCREENS[name], code, ()) for code in LANGUAGES for name in SCREENS}
        longest = sorted(sectors, key=len, reverse=True)[:MOST_SHOWN]
        for (name, code), page in (*self._made.items(), *((("which", code), self._which(code, longest)) for code in LANGUAGES)):
            _check(name, code, page)

    def page(self, standing: Standing, code: str = "") -> str:
        """Return the page of a session; `code` are the digits that its last page gives."""
        if standing.screen == RADIO:
            return self._poll(standing)
        if standing.offered:
            return self._which(standing.language, standing.offered)
        if standing.screen == THANKS:
            return self._page(SCREENS[THANKS], standing.language, (), number=spaced(code) if code else HIDDEN)
        return self._made[standing.screen, standing.language]

    def busy(self, language: str) -> str:
        """Return the last page of a session that cannot go on."""
        return self._made[BUSY, language]

    def _poll(self, standing: Standing) -> str:
        """Return the page of a show's question, cut where it is longer than a screen; without one, the page that says so."""
        answers = "".join(f"\n{place} {plain(words)}" for place, words in enumerate(standing.offered, start=1))
        back = f"\n{BACK} " + self._text("back", standing.language)
        room = LONGEST - (septets(answers + back) or LONGEST)
        if not standing.offered or room < SHORTEST_QUESTION:
            return self._made[RADIO, standing.language]
        asked = plain(standing.asked)
        while (septets(asked) or 0) > room:
            asked = asked[:-1]
        return f"{GO_ON}{asked}{answers}{back}"

    def _which(self, language: str, names: Sequence[str]) -> str:
        return self._page(SCREENS["which"], language, names)

    def _page(self, screen: Screen, language: str, names: Sequence[str], number: str = HIDDEN) -> str:
        saved = self._text("saved", language) + " " if screen.saved else ""
        given = {"number": number} if screen.name == THANKS else {}
        heading = self._words.text(screen.text, language, **given)
        lines = "\n".join([saved + heading, *self._lines(screen, language, names)])
        return f"{END if screen.last else GO_ON}{lines}"

    def _lines(self, screen: Screen, language: str, names: Sequence[str]) -> Iterator[str]:
        yield from (f"{answer.digit} " + self._text(f"{screen.name}_{answer.name}", language) for answer in screen.answers)
        yield from (f"{place} {name}" for place, name in enumerate(names, start=1))
        if screen.name == "which":
            yield f"{len(names) + 1} " + self._text("which_other", language)
        if not screen.last:
            yield f"{BACK} " + self._text("exit" if screen.name == MENU else "back", language)

    def _text(self, name: str, language: str) -> str:
        return self._words.text(f"ussd.{name}", language)


def shown(page: str) -> str:
    """Return what the phone shows of a page: all but the word to the network."""
    return page.removeprefix(GO_ON).removeprefix(END)


def septets(page: str) -> int | None:
    """Return the length of what is shown in GSM-7 septets, None where a character is not in that alphabet."""
    costs = [COST.get(char) for char in shown(page)]
    return None if None in costs else sum(cost for cost in costs if cost)


def _check(name: str, language: str, page: str) -> None:
    length = septets(page)
    if length is None or length > LONGEST:
        why = "has a character outside GSM-7" if length is None else f"takes {length} characters; a screen holds {LONGEST}"
        raise CatalogError(f"{language}: the screen {name} {why}.")
