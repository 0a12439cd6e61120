"""Rows of what triage made of a report, its words sealed with the case."""

from datetime import datetime

from hotline.models import Reading, new_id
from hotline.privacy import Key


def assessed_row(case_id: str, key: Key, reading: Reading, now: datetime) -> dict[str, object]:
    """Return the row that keeps a reading, words and places sealed."""
    row_id = new_id()
    return {
        "id": row_id,
        "case_id": case_id,
        "category": reading.category,
        "urgency": reading.urgency,
        "minors": reading.minors,
        "rules_version": reading.rules_version,
        "sealed": key.seal_text(reading.whole, f"assessment|sealed|{row_id}"),
        "at": now,
    }
