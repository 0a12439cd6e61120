"""What the wall before radio lets through, and what it takes away: 2,000 texts to a show, 300 of them tips, in five languages.

    python benchmarks/wall.py [--list]

The tips and 500 harmless texts were written by hand by somebody who had read neither the rules nor the words they listen for; 1,200
plain ones are drawn from lists with a seed. All are invented. The written texts are in two halves, by situation: rules and limits
were looked for on the first alone, the second was held back: it says how well they do elsewhere. A tip that passes is shown to
nobody by itself: it needs the moderator's key. `--list` prints those, and the harmless texts that radio has lost to an officer.

Exits 1 when more than 3 in 100 tips need the key.
"""

import argparse
import json
import random
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from hotline.radio.wall import Kept, keeps, words_of
from hotline.triage.lexicon import TEMPLATES
from workers.reading import read

MESSAGES: Final = Path(__file__).resolve().parents[1] / "tests" / "radio" / "messages"
LANGUAGES: Final = ("rw", "rn", "sw", "fr", "en")
HALVES: Final = ("first", "second")
DRAWN: Final = 1200
NEED_THE_KEY: Final = 0.03  # of tips


@dataclass(frozen=True, slots=True)
class Said:
    """A text to a show. `half` and `kind` are empty for one that was drawn; `kept` says why the wall keeps it from radio."""

    text: str
    language: str
    kind: str
    half: str
    tip: bool
    kept: Kept | None


def main() -> None:
    """Read every text, print the tables, and exit by the bar."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true")
    chosen = parser.parse_args()
    read_ = judged()
    console = Console()
    console.print(table("by language", read_, [(code, [one for one in read_ if one.language == code]) for code in LANGUAGES]))
    written = [one for one in read_ if one.half]
    console.print(table("by half", written, [(half, [one for one in written if one.half == half]) for half in HALVES]))
    harmless = [one for one in written if not one.tip]
    kinds = dict.fromkeys(one.kind for one in harmless)
    console.print(table("harmless, by kind", harmless, [(kind, [one for one in harmless if one.kind == kind]) for kind in kinds]))
    if chosen.list:
        for one in written:
            if one.tip == (one.kept is None):
                say = "needs the key" if one.tip else f"taken away, {one.kept}"
                console.print(f"{say} · {one.half} half · {one.language} {one.kind}: {one.text}", markup=False, highlight=False)
    tips = [one for one in read_ if one.tip]
    raise SystemExit(len(passing(tips)) > NEED_THE_KEY * len(tips))


def judged() -> list[Said]:
    """Return every text with what the wall says of it."""
    words = words_of(TEMPLATES)
    return [Said(*told, kept=keeps(read(told[0]), words)) for told in [*_written(), *_drawn()]]


def passing(tips: Sequence[Said]) -> list[str]:
    """Return the tips that the wall leaves with radio, for its moderator to move."""
    return sorted(one.text for one in tips if one.kept is None)


def table(title: str, all_: Sequence[Said], groups: Sequence[tuple[str, Sequence[Said]]]) -> Table:
    """Return the counts of each group and of all."""
    shown = Table("", "tips", "need the key", "harmless", "taken away", title=title, title_justify="left")
    for name, these in [*groups, ("all", all_)]:
        tips, harmless = [one for one in these if one.tip], [one for one in these if not one.tip]
        missed, taken = len(passing(tips)), sum(one.kept is not None for one in harmless)
        shown.add_row(name, str(len(tips)), _of(missed, len(tips)), str(len(harmless)), _of(taken, len(harmless)))
    return shown


def _of(count: int, all_: int) -> str:
    return f"{count} ({count / all_:.1%})" if all_ else ""


Told = tuple[str, str, str, str, bool]


def _written() -> Iterator[Told]:
    for name, tip in (("tips", True), ("harmless", False)):
        for line in (MESSAGES / f"second_author_{name}.jsonl").read_text(encoding="utf-8").splitlines():
            one = json.loads(line)
            yield one["text"], one["lang"], one["kind"], one["half"], tip


def _drawn() -> Iterator[Told]:
    chance, talk = random.Random(7), tomllib.loads((MESSAGES / "talk.toml").read_text(encoding="utf-8"))
    for at in range(DRAWN):
        code = LANGUAGES[at % len(LANGUAGES)]
        line = chance.choice(talk["votes" if chance.random() < 0.5 else code]["lines"])
        yield line.format(**{name: chance.choice(values) for name, values in talk["slots"].items()}), code, "", "", False


if __name__ == "__main__":
    main()
