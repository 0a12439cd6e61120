"""Noise: says which messages may be put aside: scams, advertisements, insults and pranks that hold nothing else.

Comes in: an assessment. Goes out: yes or no. It is asked for certainty, and one word of danger, of recruiting, of control, of
exploitation or of a child is enough for a no: a forwarded job offer looks like an advertisement and is evidence. Who puts
what aside, and who looks at it all the same, is decided elsewhere; nothing is ever dropped for a yes.
"""

from hotline.triage.assess import Assessment
from hotline.triage.judge import Category, Urgency

SURELY = 0.7
_LIFTS = frozenset({"danger", "act", "means", "purpose", "minors", "safety"})


def is_noise(found: Assessment) -> bool:
    """Tell whether a message is surely noise and nothing in it speaks of a case."""
    if found.category is not Category.SPAM_OR_PRANK or found.urgency is not Urgency.ROUTINE or found.certainty < SURELY:
        return False
    return not any(finding.axis in _LIFTS for finding in found.findings)
