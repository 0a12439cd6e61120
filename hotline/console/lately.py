"""What is the same for everybody at the desk: asked of the database once in three seconds, however many have it open.

Only what tells of no case may be kept here, for what one may see of cases is one's own (hotline/sight.py). Whatever somebody
does at the desk empties it, so that nobody misses their own change.
"""

import threading
from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from typing import Final, TypeVar

from flask import Flask, Response, current_app, request

LASTS: Final = timedelta(seconds=3)
Found = TypeVar("Found")


class Lately:
    """Answers of the last moments by the name of their question."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._kept: dict[Hashable, tuple[datetime, object]] = {}

    def known(self, question: Hashable, now: datetime, ask: Callable[[], Found]) -> Found:
        """Return the answer to a question, asked anew where the last is too old. Who comes meanwhile waits for that one."""
        with self._turn:
            at, answer = self._kept.get(question, (None, None))
            if at is None or not timedelta(0) <= now - at <= LASTS:
                answer = ask()
                self._kept[question] = now, answer
            return answer  # type: ignore[return-value]

    def forget(self) -> None:
        """Ask everything anew."""
        with self._turn:
            self._kept.clear()


def install(app: Flask) -> None:
    """Give the console its short memory."""
    app.extensions["lately"] = Lately()
    app.after_request(_after)


def here() -> Lately:
    """Return the short memory of this console."""
    lately: Lately = current_app.extensions["lately"]
    return lately


def _after(response: Response) -> Response:
    if request.method == "POST":
        here().forget()
    return response
