"""`hotline dead`: the same list and the same acts without a browser."""

import json

import pytest
from click.testing import CliRunner, Result

from hotline.cli import main
from hotline.models import Lane, MessageKind, MessageState
from tests.watch.letters import NUMBER, WORDS, Letters


@pytest.fixture
def letters(letters: Letters, monkeypatch: pytest.MonkeyPatch) -> Letters:
    chosen = letters.site.settings
    for name in ("instance", "database_url", "redis_url"):
        monkeypatch.setenv(f"HOTLINE_{name.upper()}", str(getattr(chosen, name)))
    monkeypatch.setenv("HOTLINE_DEMO", "true")
    return letters


def say(*words: str) -> Result:
    return CliRunner().invoke(main, ["dead", *words])


def test_it_lists_says_why_and_acts_once(letters: Letters) -> None:
    letters.message()
    (letter,) = json.loads(say("list", "--json").output)
    assert "two copies harm nobody" in say("why", letter["item"]).output
    first, second = (say("replay", letter["item"], letter["token"]) for _ in range(2))
    assert (first.exit_code, second.exit_code) == (0, 1)
    assert "Nothing was done" in second.output
    assert "Nothing is stuck" in say("list").output


def test_it_keeps_the_rules_and_shows_no_word_and_no_number(letters: Letters) -> None:
    letters.one_of_each()
    shown = say("list").output + say("list", "--json").output
    assert WORDS not in shown
    assert NUMBER[1:] not in shown
    letters.message(MessageKind.REPLY, MessageState.UNKNOWN, Lane.REPLY)
    letter = next(one for one in json.loads(say("list", "--json").output) if one["acts"] == ["settle"])
    assert "forbids" in say("replay", letter["item"], letter["token"]).output
    assert say("handled", letter["item"], letter["token"]).exit_code == 0
    assert say("why", letter["item"]).exit_code == 1


def test_signatures_are_checked_again_by_the_worker(letters: Letters) -> None:
    letters.forged()
    (letter,) = json.loads(say("list", "--json").output)
    assert say("verify", letter["item"], letter["token"]).exit_code == 0
    (again,) = json.loads(say("list", "--json").output)
    assert again["state"] == "asked"


@pytest.mark.parametrize("item", ["", "message", "nowhere-1", "spool-"])
def test_a_name_that_is_none_is_said_to_be_none(letters: Letters, item: str) -> None:
    assert "An item is named" in say("why", item).output
