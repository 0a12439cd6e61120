"""Between triage and the other stages: an assessment becomes the reading they need."""

import json

from hotline.models import Reading
from hotline.triage import assess


def read(text: str) -> Reading:
    """Assess a text."""
    found = assess(text)
    return Reading(
        category=str(found.category),
        urgency=str(found.urgency),
        minors=str(found.minors),
        language=found.language,
        language_confident=found.language_confident,
        places=tuple(found.places),
        rules_version=found.rules_version,
        clues=tuple((clue.kind, clue.value) for clue in found.clues),
        whole=json.dumps(found.as_dict(), ensure_ascii=False),
    )
