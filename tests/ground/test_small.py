"""Nobody can be found in a table: each number that is not shown could be any of those not shown, whatever else is."""

from itertools import product

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hotline.figures.small import FEW, FEWEST, Shown, cell, publish, span

COUNTS = st.lists(st.integers(0, 14), min_size=1, max_size=4)


def fits(count: int, shown: str) -> bool:
    return cell(count).shown == shown


def could_be(shown: Shown, wanted: str, place: str) -> set[int]:
    """Every number a cell could be for who knows all that is shown: found by trying out every table there could be."""
    tables = {name: cells for name, cells in shown.tables.items() if cells is not None}
    sums = []
    for name, cells in tables.items():
        choices = [[n for n in range(80) if fits(n, one.shown)] for one in cells.values()]
        if name == wanted:
            here = list(cells).index(place)
            sums.append({(sum(row), row[here]) for row in product(*choices)})
        else:
            sums.append({(sum(row), -1) for row in product(*choices)})
    totals = set.intersection(*({total for total, _ in one} for one in sums))
    if shown.total is not None:
        totals = {total for total in totals if fits(total, shown.total.shown)}
    return {value for one in sums for total, value in one if total in totals and value >= 0}


@settings(max_examples=150, deadline=None)
@given(first=COUNTS, second=COUNTS)
def test_a_small_number_could_be_any_small_number(first: list[int], second: list[int]) -> None:
    assume(sum(first) <= sum(second) + 40)
    difference = sum(first) - sum(second)
    second = [*second, difference] if difference >= 0 else second
    first = first if difference >= 0 else [*first, -difference]
    tables = {"a": {str(n): count for n, count in enumerate(first)}, "b": {str(n): count for n, count in enumerate(second)}}
    shown = publish(tables)
    for name, cells in shown.tables.items():
        for place, one in (cells or {}).items():
            if one.shown == FEW:
                assert could_be(shown, name, place) == set(range(1, FEWEST)), (tables, shown)


def test_what_would_give_a_small_number_away_is_left_out() -> None:
    given_away = publish({"category": {"trafficking": 5, "gbv": 1, "smuggling": 1}})
    assert given_away.total is None, "5 to 7 in all, 5 and two that are not nothing: each would be one"
    plain = publish({"category": {"trafficking": 40, "gbv": 3, "smuggling": 12}})
    assert plain.total is not None
    assert plain.total.shown == "55"
    assert plain.tables["category"] is not None
    assert [one.shown for one in plain.tables["category"].values()] == ["40", "<5", "10"]


def test_two_months_taken_from_one_another_tell_nothing_small() -> None:
    """The difference of two numbers as shown is off by up to four, which is as much as what is hidden."""
    for more in range(1, FEWEST):
        before, after = span(60), span(60 + more)
        assert before[1] >= after[0] - FEWEST + 1


def test_nothing_is_nothing() -> None:
    assert publish({}) == Shown(cell(0), {})
    assert publish({"category": {}}).total == cell(0)
