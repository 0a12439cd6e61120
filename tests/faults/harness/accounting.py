"""The accounting: every 2xx against every row, every send against every rule. Facts in, one line a promise out.

Each line names what was done, how much was looked at, and each figure beside its limit. A line that looked at nothing is broken:
nothing was proved. The ids and limits are those of docs/safety.md.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from hotline.simulator.replay import percentile
from tests.faults.harness.facts import AMBIGUOUS, Accept, Acked, Act, Facts, Out, Row, Try

ALERT = "alert"
ONCE = ("auto", "reply")
ACCEPTED, REFUSED = "accepted", "refused"
SETTLED = {"done", "parked"}
NOT_SENT = {"suppressed", "cancelled"}
FEW = 5
RANK = {"accepted": 1, "sent": 2, "undelivered": 3, "failed": 3, "delivered": 4}


@dataclass(frozen=True)
class Figure:
    """One figure of a line; beyond its limit the line is broken. A figure that is None could not be measured."""

    what: str
    found: float | None
    limit: float
    unit: str = ""
    at_least: bool = False
    such: tuple[str, ...] = ()

    @classmethod
    def none_of(cls, what: str, things: Iterable[str]) -> "Figure":
        """Return how many such things there are, where there may be none; the first few are named."""
        found = list(things)
        return cls(what, len(found), 0, such=tuple(found[:FEW]))

    @property
    def ok(self) -> bool:
        if self.found is None:
            return False
        return self.found >= self.limit if self.at_least else self.found <= self.limit


@dataclass(frozen=True)
class Line:
    """One promise: what was done to it, how often, over how many things, and what came out."""

    promise: str
    says: str
    injected: str
    times: int
    counted: int
    of: str
    figures: tuple[Figure, ...]

    @property
    def ok(self) -> bool:
        return self.times > 0 and self.counted > 0 and all(figure.ok for figure in self.figures)


def account(facts: Facts) -> list[Line]:
    """Return a line for each promise some act of the run was about."""
    books = Books(facts)
    acts = {act.name: act for act in facts.acts}
    lines = [rule(books, acts[name]) for name, rule in RULES.items() if name in acts]
    return [*lines, books.every(), *books.sends()]


class Books:
    """The facts, laid out so that each question is one look."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.rows: dict[str, list[Row]] = defaultdict(list)
        for row in facts.rows:
            self.rows[row.external_id].append(row)
        self.taken: dict[str, list[Accept]] = defaultdict(list)
        for accept in sorted(facts.accepts, key=lambda accept: accept.at):
            self.taken[accept.text].append(accept)
        self.alerts: dict[str | None, list[Out]] = defaultdict(list)
        for text in facts.out:
            if text.kind == ALERT:
                self.alerts[text.case].append(text)

    # ---- what came in

    def every(self) -> Line:
        """Return the line about every 2xx of the whole run."""
        whole, texts = sum(act.times for act in self.facts.acts), self.facts.acked
        return Line(
            "every 2xx", "nothing acknowledged is ever lost", "all of the above", whole, len(texts), "acked", self.kept(texts)
        )

    def acked(self, act: str) -> list[Acked]:
        return [text for text in self.facts.acked if text.act == act]

    def kept(self, texts: Sequence[Acked]) -> tuple[Figure, ...]:
        """Every 2xx has one row, read to its end, and each word of it opens and is what was sent."""
        return (
            Figure.none_of("lost", (one.external_id for one in texts if not self.rows[one.external_id])),
            Figure.none_of("twice", (one.external_id for one in texts if self._twice(one))),
            Figure.none_of("not read", (one.external_id for one in texts if not self._read(one))),
            Figure.none_of("altered", (one.external_id for one in texts if self._altered(one))),
        )

    def _twice(self, text: Acked) -> bool:
        rows = self.rows[text.external_id]
        return len(rows) > 1 or any(len(row.told) > 1 for row in rows)

    def _read(self, text: Acked) -> bool:
        wanted = {"done"} if text.readable else SETTLED
        return all(row.state in wanted and (row.told or not text.readable) for row in self.rows[text.external_id])

    def _altered(self, text: Acked) -> bool:
        rows = self.rows[text.external_id]
        return any(row.body != text.body or any(words != text.words for words in row.told) for row in rows)

    # ---- who was told

    def cases(self, texts: Sequence[Acked]) -> dict[str, Acked]:
        """Return the first text of each case that these texts opened."""
        opened: dict[str, Acked] = {}
        for text in sorted(texts, key=lambda text: text.at):
            for row in self.rows[text.external_id]:
                if row.case is not None:
                    opened.setdefault(row.case, text)
        return opened

    def of(self, texts: Sequence[Acked]) -> list[Out]:
        """Return the alerts about the cases of these texts."""
        return [alert for case in self.cases(texts) for alert in self.alerts[case]]

    def delays(self, texts: Sequence[Acked]) -> list[float]:
        """Return for each case, in seconds, how long after the 2xx the gateway had taken its first alert."""
        delays = []
        for case, text in self.cases(texts).items():
            moments = [taken[0].at for alert in self.alerts[case] if (taken := self.taken[alert.id])]
            if moments:
                delays.append((min(moments) - text.at).total_seconds())
        return delays

    def untold(self, texts: Sequence[Acked]) -> Figure:
        """Return which alerts about these texts the gateway never took, though nothing made them needless."""
        missing = (one for one in self.of(texts) if one.state not in NOT_SENT and not self.taken[one.id])
        return Figure.none_of("alerts never taken", map(_story, missing))

    def doubled(self, texts: Sequence[Acked]) -> Figure:
        """Return what was written down twice: a contact paged twice about one case, two answers to one text."""
        cases = self.cases(texts)
        pages = Counter((alert.case, alert.to) for case in cases for alert in self.alerts[case])
        answers = Counter(text.case for text in self.facts.out if text.kind == "auto" and text.case in cases)
        asked = Counter(row.case for text in texts for row in self.rows[text.external_id])
        found = [f"{whom} paged {number} times about {case}" for (case, whom), number in pages.items() if number > 1]
        found += [f"{number} answers in {case}" for case, number in answers.items() if number > asked[case]]
        return Figure.none_of("committed twice", found)

    def again(self, texts: Sequence[Acked], broken_at: Sequence[datetime]) -> list[float]:
        """Return for each try at a life alert that broke off, in seconds, how long after it was broken the next one began."""
        waits = []
        for alert in self.of(texts):
            tries = sorted(alert.tries, key=lambda one: one.started) if alert.life else []
            for one, later in pairwise(tries):
                if not one.over(later.started):
                    moments = [moment for moment in broken_at if one.started <= moment <= later.started]
                    waits.append(_seconds(later.started - max(moments, default=one.started)))
        return waits

    # ---- what went out

    def sends(self) -> list[Line]:
        """Return the lines about every send of the whole run."""
        alerts = [text for text in self.facts.out if text.kind == ALERT and text.state not in NOT_SENT]
        once = [text for text in self.facts.out if text.kind in ONCE]
        copies = sum(max(0, len(self.taken[text.id]) - 1) for text in alerts)
        whole = sum(act.times for act in self.facts.acts)
        arrive = (
            Figure.none_of("never taken", (_story(text) for text in alerts if not self.taken[text.id])),
            Figure.none_of("unexplained copies", (_story(text) for text in alerts for _ in range(self._unexplained(text)))),
        )
        twice = (
            Figure.none_of("taken twice", (_story(text) for text in once if len(self.taken[text.id]) > 1)),
            Figure.none_of("tried again in doubt", (_story(text) for text in once if _tried_in_doubt(text.tries))),
        )
        ends = (Figure.none_of("ended otherwise", (_story(text) for text in self.facts.out if self._ended_otherwise(text))),)
        doubt = sum(text.state == "unknown" for text in once)
        told = f"alerts, {copies} copies more"
        lines = [
            Line(
                "T-OUT-1", "alerts always arrive, each extra copy explained", "all of the above", whole, len(alerts), told, arrive
            ),
            Line(
                "T-OUT-2",
                "answers to a caller at most once",
                "all of the above",
                whole,
                len(once),
                f"answers, {doubt} in doubt",
                twice,
            ),
        ]
        if heard := self.facts.receipts:
            said = "receipts shuffled, doubled, late"
            lines.append(Line("T-ST-1", "every order of receipts ends alike", said, len(heard), len(heard), "texts", ends))
        return lines

    def _unexplained(self, alert: Out) -> int:
        """Return copies no doubt explains: more than tries that may have arrived, or tried on though a try was known to have."""
        tries = sorted(alert.tries, key=lambda one: one.started)
        possible = sum(one.result != REFUSED for one in tries)
        needless = sum(
            any(earlier.result == ACCEPTED and earlier.over(one.started) for earlier in tries[:number])
            for number, one in enumerate(tries)
        )
        return max(0, len(self.taken[alert.id]) - possible) + needless

    def _ended_otherwise(self, text: Out) -> bool:
        heard = [status for status in self.facts.receipts.get(text.id, ()) if status in RANK]
        return bool(heard) and RANK.get(text.state, 0) < max(RANK[status] for status in heard)


def _story(text: Out) -> str:
    """Return what became of a text, try by try, in seconds since it was written."""

    def since(moment: datetime | None) -> str:
        return f"{_seconds(moment - text.created):.1f}" if moment else "?"

    ordered = sorted(text.tries, key=lambda one: one.started)
    tries = [f"{since(one.started)}-{since(one.ended)} {one.result}" for one in ordered]
    return f"{text.kind} {text.id} {text.state}: {', '.join(tries) or 'never tried'}"


def _tried_in_doubt(tries: Sequence[Try]) -> bool:
    """Whether a text was tried again after a try that may have arrived."""
    ordered = sorted(tries, key=lambda one: one.started)
    return any(one.result in (*AMBIGUOUS, ACCEPTED) for one in ordered[:-1])


def _seconds(span: timedelta) -> float:
    return span.total_seconds()


def _p99(values: Iterable[float]) -> float | None:
    return percentile(list(values), 0.99)


def _most(values: Sequence[float]) -> float | None:
    return max(values, default=None)


# ---- a rule for each act


def _web_killed(books: Books, act: Act) -> Line:
    texts = books.acked(act.name)
    return Line(act.name, "every 2xx is one row, whole", act.injected, act.times, len(texts), "acked", books.kept(texts))


def _store_away(books: Books, act: Act) -> Line:
    texts = books.acked(act.name)
    figures = (
        *books.kept(texts),
        Figure("acked while away", act.measured.get("acked while away"), 1, at_least=True),
        Figure("ack p99", act.measured.get("ack p99"), 2.5, "s"),
        Figure("spool empty after", act.measured.get("spool empty after"), 60, "s"),
    )
    return Line(act.name, "a database away is not noticed", act.injected, act.times, len(texts), "acked", figures)


def _disk_full(books: Books, act: Act) -> Line:
    texts = books.acked(act.name)
    figures = (
        *books.kept(texts),
        Figure("acked while full", act.measured.get("acked while full"), 1, at_least=True),
        books.untold(texts),
    )
    return Line(act.name, "a full disk: 2xx only with a row", act.injected, act.times, len(texts), "acked", figures)


def _bell_lost(books: Books, act: Act) -> Line:
    texts, calm = books.acked(act.name), percentile(books.delays(books.acked(CALM)), 0.5)
    late = _p99(books.delays(texts))
    extra = None if late is None or calm is None else max(0.0, late - calm)
    figures = (*books.kept(texts), books.untold(texts), Figure("delay more p99", extra, 20, "s"))
    return Line(act.name, "Redis is only a doorbell", act.injected, act.times, len(texts), "acked", figures)


def _workers_die(books: Books, act: Act) -> Line:
    texts = books.acked(act.name)
    figures = (
        *books.kept(texts),
        books.doubled(texts),
        books.untold(texts),
        Figure("life tried again within", _most(books.again(texts, act.at)), 30, "s"),
    )
    return Line(act.name, "a dead worker's work is done, once", act.injected, act.times, len(texts), "acked", figures)


def _bell_full(books: Books, act: Act) -> Line:
    texts = books.acked(act.name)
    figures = (*books.kept(texts), books.untold(texts))
    return Line(act.name, "Redis full loses nothing", act.injected, act.times, len(texts), "acked", figures)


def _nasty(books: Books, act: Act) -> Line:
    texts = books.acked(act.name)
    figures = (*books.kept(texts), Figure("5xx", act.measured.get("5xx"), 0))
    return Line(act.name, "whatever bytes, stored as sent", act.injected, act.times, len(texts), "acked", figures)


def _failed_over(books: Books, act: Act) -> Line:
    alerts = books.of(books.acked(act.name))
    waits = [_seconds(taken[0].at - alert.created) for alert in alerts if (taken := books.taken[alert.id])]
    figures = (books.untold(books.acked(act.name)), Figure("longest wait", _most(waits), 45, "s"))
    return Line(act.name, "life alerts change the gateway", act.injected, act.times, len(alerts), "alerts", figures)


CALM = "calm"
RULES: dict[str, Callable[[Books, Act], Line]] = {
    "T-IN-1": _web_killed,
    "T-IN-2": _store_away,
    "T-IN-4": _disk_full,
    "T-BAD-1": _nasty,
    "T-Q-1": _bell_lost,
    "T-Q-2": _workers_die,
    "T-Q-4": _bell_full,
    "T-OUT-3": _failed_over,
}
