"""Of a page that refreshes itself, only what has changed is sent again: over 3G at the border, three kilobytes and not six.

Every drawing of such a page has a mark, which the page sends when it asks for news. What each part and row of a drawing looked
like is kept here by that mark, as a number, for whoever saw it. A mark that is not known here gets everything, so nothing hangs
on it: it may have been forgotten, or drawn by another process.
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

from flask import Flask, current_app, g, render_template, request
from markupsafe import Markup

from hotline.console import guard

KEPT: Final = 400  # drawings: the last ten of forty officers
NO_LOOK: Final = re.compile(r' hx-swap-oob="true"|name="csrf_token" value="[^"]*"| data-age[^<]*')  # ages are told by the page
Looks = dict[str, int]
Drawing = tuple[str, str, str]  # who saw it, which page, its mark


class Shown:
    """How the parts of the last drawings looked."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._kept: OrderedDict[Drawing, Looks] = OrderedDict()

    def known(self, drawing: Drawing) -> Looks:
        """Return how the parts of a drawing looked, nothing for one that is not known."""
        with self._turn:
            return self._kept.get(drawing, {})

    def keep(self, drawing: Drawing, looks: Looks) -> None:
        """Keep how a drawing looked, for as long as it is among the last."""
        with self._turn:
            self._kept[drawing] = looks
            self._kept.move_to_end(drawing)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)


def install(app: Flask) -> None:
    """Give templates `part` and `same_row`, which leave out what the page that asks shows already."""
    app.extensions["shown"] = Shown()
    app.jinja_env.globals.update(part=part, same_row=same_row)


def drawn(template: str, page: str, shown: Mapping[str, object]) -> str:
    """Return a page, or where `shown` says that it is `live`, what has changed in it since it was drawn with the mark it sent."""
    seen: Shown = current_app.extensions["shown"]
    who = guard.officer().id
    g.before = seen.known((who, page, request.args.get("mark", ""))) if shown.get("live") else {}
    g.looks = {}
    text = render_template(template, **shown)
    seen.keep((who, page, str(shown["mark"])), g.looks)
    return text


def part(name: str, looks: str) -> Markup:
    """Return a part that is put in the place of the one there; nothing where that looks the same."""
    return Markup() if _same(name, looks) else Markup(looks)  # noqa: S704  a page of ours, which escapes


def same_row(element: str, looks: str) -> Markup:
    """Return a row of a table; where it looks the same, its place alone, into which the page puts the row it has."""
    return Markup('<tr id="{}" data-same></tr>').format(element) if _same(element, looks) else Markup(looks)  # noqa: S704


def _same(name: str, looks: str) -> bool:
    drawing: Looks | None = g.get("looks")
    if drawing is None:  # a page that asks for no news, or draws all of it
        return False
    drawing[name] = number = hash(NO_LOOK.sub("", looks).strip())
    return bool(g.before.get(name) == number)
