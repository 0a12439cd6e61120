"""The accounting: every 2xx against every row, every send against every rule. Facts in, one line a promise out.

Each line names what was done, how much was looked at, and each figure beside its limit. A line that looked at nothing is broken:
nothing was proved. The ids and limits are those of docs/safety.md.
"""

from collections.abc import Callable, Iterable, Sequence

from hotline.simulator.replay import percentile
from tests.faults.harness.facts import Act, Facts
from tests.faults.harness.ledger import Ledger, seconds
from tests.faults.harness.lines import Figure, Line


def account(facts: Facts) -> list[Line]:
    """Return a line for each promise some act of the run was about."""
    ledger = Ledger(facts)
    acts = {act.name: act for act in facts.acts}
    lines = [rule(ledger, acts[name]) for name, rule in RULES.items() if name in acts]
    return [*lines, ledger.every(), *ledger.sends()]


def _p99(values: Iterable[float]) -> float | None:
    return percentile(list(values), 0.99)


def _most(values: Sequence[float]) -> float | None:
    return max(values, default=None)


# ---- a rule for each act


def _web_killed(ledger: Ledger, act: Act) -> Line:
    texts = ledger.acked(act.name)
    return Line(act.name, "every 2xx is one row, whole", act.injected, act.times, len(texts), "acked", ledger.kept(texts))


def _store_away(ledger: Ledger, act: Act) -> Line:
    texts = ledger.acked(act.name)
    figures = (
        *ledger.kept(texts),
        Figure("acked while away", act.measured.get("acked while away"), 1, at_least=True),
        Figure("ack p99", act.measured.get("ack p99"), 2.5, "s"),
        Figure("spool empty after", act.measured.get("spool empty after"), 60, "s"),
    )
    return Line(act.name, "a database away is not noticed", act.injected, act.times, len(texts), "acked", figures)


def _steps_deadly(_: Ledger, act: Act) -> Line:
    figures = (
        Figure("steps", act.measured.get("steps"), 20, at_least=True),
        Figure("steps that lost", act.measured.get("steps that lost"), 0),
    )
    return Line(act.name, "death at any step loses nothing", act.injected, act.times, act.times, "steps", figures)


def _texts_deadly(_: Ledger, act: Act) -> Line:
    figures = (
        Figure("runs", act.measured.get("runs"), 1, at_least=True),
        Figure("runs that lost", act.measured.get("runs that lost"), 0),
    )
    return Line(act.name, "poison takes no other text with it", act.injected, act.times, act.times, "runs", figures)


def _forged(ledger: Ledger, act: Act) -> Line:
    texts = ledger.acked(act.name)
    figures = (
        *ledger.kept(texts),
        Figure("forgeries taken", act.measured.get("forgeries taken"), 0),
        Figure("forgeries stored", act.measured.get("forgeries stored"), 0),
    )
    return Line(act.name, "nothing forged is taken", act.injected, act.times, len(texts), "genuine acked", figures)


def _wrong_token(ledger: Ledger, act: Act) -> Line:
    texts = ledger.acked(act.name)
    figures = (
        *ledger.kept(texts),
        Figure("turned away", act.measured.get("turned away"), len(texts), at_least=True),
        Figure("not mended", act.measured.get("not mended"), 0),
        ledger.untold(texts),
    )
    return Line(act.name, "what our wrong token refused is taken in", act.injected, act.times, len(texts), "taken in", figures)


def _repeated(ledger: Ledger, act: Act) -> Line:
    texts = ledger.acked(act.name)
    figures = (*ledger.kept(texts), ledger.doubled(texts))
    return Line(act.name, "what comes again is one report", act.injected, act.times, len(texts), "acked", figures)


def _disk_full(ledger: Ledger, act: Act) -> Line:
    texts = ledger.acked(act.name)
    figures = (
        *ledger.kept(texts),
        Figure("acked while full", act.measured.get("acked while full"), 1, at_least=True),
        ledger.untold(texts),
    )
    return Line(act.name, "a full disk: 2xx only with a row", act.injected, act.times, len(texts), "acked", figures)


def _bell_lost(ledger: Ledger, act: Act) -> Line:
    texts, calm = ledger.acked(act.name), percentile(ledger.delays(ledger.acked(CALM)), 0.5)
    late = _p99(ledger.delays(texts))
    extra = None if late is None or calm is None else max(0.0, late - calm)
    figures = (*ledger.kept(texts), ledger.untold(texts), Figure("delay more p99", extra, 20, "s"))
    return Line(act.name, "Redis is only a doorbell", act.injected, act.times, len(texts), "acked", figures)


def _workers_die(ledger: Ledger, act: Act) -> Line:
    texts = ledger.acked(act.name)
    figures = (
        *ledger.kept(texts),
        ledger.doubled(texts),
        ledger.untold(texts),
        Figure("life tried again within", _most(ledger.again(texts, act.at)), 30, "s"),
    )
    return Line(act.name, "a dead worker's work is done, once", act.injected, act.times, len(texts), "acked", figures)


def _bell_full(ledger: Ledger, act: Act) -> Line:
    texts = ledger.acked(act.name)
    figures = (*ledger.kept(texts), ledger.untold(texts))
    return Line(act.name, "Redis full loses nothing", act.injected, act.times, len(texts), "acked", figures)


def _nasty(ledger: Ledger, act: Act) -> Line:
    texts = ledger.acked(act.name)
    figures = (*ledger.kept(texts), Figure("5xx", act.measured.get("5xx"), 0))
    return Line(act.name, "whatever bytes, stored as sent", act.injected, act.times, len(texts), "acked", figures)


def _failed_over(ledger: Ledger, act: Act) -> Line:
    alerts = ledger.of(ledger.acked(act.name))
    waits = [seconds(taken[0].at - alert.created) for alert in alerts if (taken := ledger.taken[alert.id])]
    figures = (ledger.untold(ledger.acked(act.name)), Figure("longest wait", _most(waits), 45, "s"))
    return Line(act.name, "life alerts change the gateway", act.injected, act.times, len(alerts), "alerts", figures)


CALM = "calm"
RULES: dict[str, Callable[[Ledger, Act], Line]] = {
    "T-IN-1": _web_killed,
    "T-IN-2": _store_away,
    "T-IN-3": _steps_deadly,
    "T-IN-4": _disk_full,
    "T-IN-5": _forged,
    "T-IN-6": _wrong_token,
    "T-IN-7": _repeated,
    "T-BAD-1": _nasty,
    "T-Q-1": _bell_lost,
    "T-Q-2": _workers_die,
    "T-Q-3": _texts_deadly,
    "T-Q-4": _bell_full,
    "T-OUT-3": _failed_over,
}
