"""A long text arrives as pieces, each stored at once; here they are put in order and made one again."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Told:
    """One stored text, or a piece of one: `joined_to` is the id of the piece that came first, None for that one itself."""

    id: str
    joined_to: str | None
    piece: int | None
    words: str


def whole(told: Iterable[Told]) -> dict[str, str]:
    """Return the words of each text by the id of what came first of it, in the order in which they began.

    Pieces are cut anywhere, also in the middle of a word, so nothing is put between them.
    """
    texts: dict[str, list[Told]] = {}
    for one in told:
        texts.setdefault(one.joined_to or one.id, []).append(one)
    return {first: "".join(one.words for one in sorted(pieces, key=_place)) for first, pieces in texts.items()}


def _place(one: Told) -> int:
    return one.piece or 1
