"""The one page for the public: the next show, how to take part, and how to be safe. No script, no cookie, nothing from elsewhere.

It sees what a presenter sees and less: names and times of shows. Somebody may look over a shoulder, so it speaks of radio alone,
leaves no copy behind, and one press leads away from it. Its words are message_templates/<language>/page.toml.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from flask import Flask, Response, abort, render_template_string
from markupsafe import Markup
from sqlalchemy import or_, select
from sqlalchemy.exc import SQLAlchemyError

from hotline.deployment import Deployment
from hotline.models import Episode, Show, Station, table
from hotline.radio.eyes import Eyes, Window

EPISODE, SHOW, STATION = table(Episode), table(Show), table(Station)
LANGUAGES: Final = ("rw", "sw", "fr", "en")
HERE: Final = Path(__file__).parent / "templates" / "listen"
AHEAD: Final = timedelta(days=14)
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Listen:
    """The page of one deployment."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self._page = (HERE / "page.html").read_text(encoding="utf-8")
        self.style = (HERE / "page.css").read_text(encoding="utf-8")

    def page(self, language: str) -> str:
        """Return the page in a language."""
        words, following = self.deployment.words, self._next()
        return render_template_string(
            self._page,
            code=language,
            languages=LANGUAGES,
            name=words.name,
            draft=words.is_draft(language),
            say=lambda name: self._with_codes_set_large(words.text(f"page.{name}", language)),
            next=following,
            begins=self.deployment.local(following["starts_at"]) if following else None,
            away=self.deployment.settings.exit_url,
        )

    def _with_codes_set_large(self, sentence: str) -> Markup:
        chosen = self.deployment.settings
        codes = "|".join(map(re.escape, sorted({chosen.radio_code, chosen.tips_code, chosen.ussd_code}, key=len, reverse=True)))
        pieces = enumerate(re.split(rf"({codes})(?!\d)", sentence))
        return Markup().join(Markup('<b class="code">{}</b>').format(piece) if at % 2 else piece for at, piece in pieces)

    def _next(self) -> Mapping[str, Any] | None:
        """Return the show that is on air or comes next; nothing while nobody can say."""
        now = self.deployment.clock()
        names = (SHOW.c.name.label("show"), SHOW.c.stream_url, STATION.c.name.label("station"))
        joined = EPISODE.join(SHOW, SHOW.c.id == EPISODE.c.show_id).join(STATION, STATION.c.id == SHOW.c.station_id)
        coming = or_(EPISODE.c.starts_at > now, EPISODE.c.on_air_at.is_not(None) & EPISODE.c.off_air_at.is_(None))
        found = select(EPISODE, *names).select_from(joined)
        wanted = found.where(EPISODE.c.ends_at > now - timedelta(hours=6), coming, EPISODE.c.starts_at < now + AHEAD)
        try:
            with self._window.reading() as session:
                row = session.execute(wanted.order_by(EPISODE.c.starts_at).limit(1)).mappings().first()
        except SQLAlchemyError:
            return None
        return dict(row) if row else None

    def close(self) -> None:
        """Close what was opened to look."""
        if "_window" in self.__dict__:
            self._window.close()

    @cached_property
    def _window(self) -> Window:
        return Window(self.deployment.settings.database, Eyes.PRESENTER)


def install(app: Flask, deployment: Deployment) -> Listen:
    """Put the page into an application, and return it so that it can be closed."""
    listen = Listen(deployment)

    @app.get("/radio")
    def radio() -> Response:
        return _answer(listen.page(deployment.settings.default_language), "text/html; charset=utf-8")

    @app.get("/radio/<language>")
    def radio_in(language: str) -> Response:
        if language not in LANGUAGES:
            abort(404)
        return _answer(listen.page(language), "text/html; charset=utf-8")

    @app.get("/radio.css")
    def radio_style() -> Response:
        return _answer(listen.style, "text/css; charset=utf-8")

    return listen


def _answer(body: str, kind: str) -> Response:
    answer = Response(body, content_type=kind)
    answer.headers.update(HEADERS)
    return answer
