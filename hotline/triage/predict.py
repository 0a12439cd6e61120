"""Predict: a file of messages in, one line of labels for each out; for checking triage against labelled messages.

The labels are those of the label guide: four languages (Kirundi is written as rw there, and told apart in `variety`), one
category, urgency, minors, the elements of trafficking, places, and the findings that explain them.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from hotline.triage.assess import assess


def predict(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield the labels of each JSON line with a `text` and an `id`; empty lines are passed over.

    Raises ValueError naming the line that is not a JSON object with a text.
    """
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _labels(_message(line, number))


def _message(line: str, number: int) -> dict[str, Any]:
    try:
        message = json.loads(line)
        message["text"] = str(message["text"])
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"line {number}: not a JSON object with a text") from error
    return dict(message)


def _labels(message: dict[str, Any]) -> dict[str, Any]:
    found = assess(message["text"], known_language=message.get("known_language"))
    return {
        "id": message.get("id"),
        "lang": found.language,
        "variety": found.variety,
        "category": found.category.value,
        "certainty": found.certainty,
        "urgency": found.urgency.value,
        "minors": found.minors.value,
        "palermo": {"act": list(found.act), "means": list(found.means), "purpose": list(found.purpose)},
        "places": list(found.places),
        "findings": found.as_dict()["findings"],
    }
