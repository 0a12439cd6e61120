"""Explain: one message, and everything triage saw in it, laid out for a person who asks why.

Comes in: a text. Goes out: the assessment and its findings by axis, in the order an officer reads them. Nothing is rendered
here; the command line and the console each do that in their own way.
"""

from dataclasses import dataclass

from hotline.triage.assess import Assessment, Finding, assess

AXES = ("danger", "act", "means", "purpose", "minors", "topic", "safety")


@dataclass(frozen=True, slots=True)
class Explanation:
    """A text, its assessment, and the findings of each axis that has any."""

    text: str
    assessment: Assessment
    by_axis: dict[str, tuple[Finding, ...]]


def explain(text: str, *, known_language: str | None = None) -> Explanation:
    """Return why `text` is judged as it is."""
    found = assess(text, known_language=known_language)
    by_axis = {axis: tuple(one for one in found.findings if one.axis == axis) for axis in AXES}
    return Explanation(text, found, {axis: findings for axis, findings in by_axis.items() if findings})
