"""The facts laid out so that each question is one look: what of a text was kept, who was told of it, what left more than once."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from tests.faults.harness.facts import AMBIGUOUS, Accept, Acked, Facts, Out, Row, Try
from tests.faults.harness.lines import Figure, Line

ALERT = "alert"
ONCE = ("auto", "reply")
ACCEPTED, REFUSED = "accepted", "refused"
SETTLED = {"done", "parked"}
NOT_SENT = {"suppressed", "cancelled"}
GOES_AGAIN = {"queued", "claimed"}
RANK = {"accepted": 1, "sent": 2, "undelivered": 3, "failed": 3, "delivered": 4}


class Ledger:
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
        return Figure.none_of("alerts never taken", map(story, missing))

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
                    waits.append(seconds(later.started - max(moments, default=one.started)))
        return waits

    # ---- what went out

    def sends(self) -> list[Line]:
        """Return the lines about every send of the whole run."""
        alerts = [text for text in self.facts.out if text.kind == ALERT and text.state not in NOT_SENT]
        once = [text for text in self.facts.out if text.kind in ONCE]
        copies = sum(max(0, len(self.taken[text.id]) - 1) for text in alerts)
        whole = sum(act.times for act in self.facts.acts)
        arrive = (
            Figure.none_of("never taken", (story(text) for text in alerts if not self.taken[text.id])),
            Figure.none_of("unexplained copies", (story(text) for text in alerts for _ in range(self._unexplained(text)))),
        )
        twice = (
            Figure.none_of("taken twice", (story(text) for text in once if len(self.taken[text.id]) > 1)),
            Figure.none_of("tried again in doubt", (story(text) for text in once if _tried_in_doubt(text.tries))),
        )
        ends = (Figure.none_of("ended otherwise", (story(text) for text in self.facts.out if self._ended_otherwise(text))),)
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
        if not heard or (text.state in GOES_AGAIN and "delivered" not in heard):
            return False
        return RANK.get(text.state, 0) < max(RANK[status] for status in heard)


def story(text: Out) -> str:
    """Return what became of a text, try by try, in seconds since it was written."""

    def since(moment: datetime | None) -> str:
        return f"{seconds(moment - text.created):.1f}" if moment else "?"

    ordered = sorted(text.tries, key=lambda one: one.started)
    tries = [f"{since(one.started)}-{since(one.ended)} {one.result}" for one in ordered]
    return f"{text.kind} {text.id} {text.state}: {', '.join(tries) or 'never tried'}"


def _tried_in_doubt(tries: Sequence[Try]) -> bool:
    """Whether a text was tried again after a try that may have arrived."""
    ordered = sorted(tries, key=lambda one: one.started)
    return any(one.result in (*AMBIGUOUS, ACCEPTED) for one in ordered[:-1])


def seconds(span: timedelta) -> float:
    """Return a span of time in seconds."""
    return span.total_seconds()
