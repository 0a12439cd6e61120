"""`hotline radio`: a show from its file, its sheet on paper, a station's log, and what came of it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hotline.cli.radio import radio
from hotline.figures import prompts
from hotline.models import Airing, Episode, Exposure, Prompt
from tests.radio.conftest import OnAir
from tests.radio.test_listening import TIP

Ask = Callable[..., Result]
FILE = """
station = "Radio Nova (invented)"
name = "Roads"
format = "drama"
language = "en"
days = ["mon", "sat"]
at = "17:30"
minutes = 45

[[segment]]
title = "Today's part"
say = { en = "She packs her bag.", rw = "Arapakira." }
"""


@pytest.fixture
def ask(air: OnAir, monkeypatch: pytest.MonkeyPatch) -> Ask:
    monkeypatch.setattr("hotline.cli.lists.Deployment", lambda _: air.line.site)
    monkeypatch.setattr(air.line.site, "close", lambda: None)

    def run(*words: str) -> Result:
        return CliRunner().invoke(radio, words)

    return run


def test_a_show_is_written_down_from_a_file_and_its_sheet_printed(ask: Ask, air: OnAir, tmp_path: Path) -> None:
    file = tmp_path / "roads.toml"
    file.write_text(FILE, encoding="utf-8")
    assert "Roads: next on Sat 28 Nov at 17:30" in ask("load", str(file)).output
    assert ask("load", str(file)).exit_code == 0
    (planned,) = [row for row in air.line.rows(Episode) if row["id"] != air.episode_id]
    sheet = ask("sheet", planned["id"]).output
    assert "rw: Arapakira." in sheet
    assert sum(int(line.split()[0]) for line in sheet.splitlines() if line.strip()[:1].isdigit()) == 45
    assert "What should they do?" not in sheet, "a poll without a question is left out"
    assert "on air" in ask("ls").output
    assert ask("sheet", "none").exit_code == 1


def test_what_is_no_show_is_refused_with_a_sentence(ask: Ask, tmp_path: Path) -> None:
    for wrong, why in ((FILE.replace("drama", "opera"), "there is no format 'opera'"), (FILE.replace("45", "0"), "minutes")):
        file = tmp_path / "wrong.toml"
        file.write_text(wrong, encoding="utf-8")
        answer = ask("load", str(file))
        assert answer.exit_code == 1
        assert why in answer.output


def test_a_station_s_log_says_what_went_out_and_names_its_wrong_line(ask: Ask, air: OnAir, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("2026-11-23T22:05,Open lines\n2026-11-23T22:20,Open lines\n", encoding="utf-8")
    assert ask("aired", str(log), "--episode", air.episode_id).exit_code == 0
    assert [row["at"].hour for row in air.line.rows(Airing)] == [20, 20]
    log.write_text("2026-11-23T22:05,Nothing\n", encoding="utf-8")
    answer = ask("aired", str(log), "--episode", air.episode_id)
    assert answer.exit_code == 1
    assert "line 1" in answer.output


def test_outcomes_are_counted_by_prompt_and_small_numbers_left_out(ask: Ask, air: OnAir) -> None:
    air.begin("poll")
    air.says("+250788000701", "1")
    for number in range(6):
        air.says(f"+25078800090{number}", TIP)
    (row,) = [one for one in air.line.rows(Prompt) if one["name"] == "The question of today"]
    assert {one["prompt_id"] for one in air.line.rows(Exposure)} == {row["id"]}
    lines = ask("outcomes", "--csv", "--month", "2026-11").output.splitlines()
    assert lines[0] == ",".join(prompts.HEAD)
    (line,) = [one for one in lines if "The question of today" in one]
    assert line.split(",")[4:] == ["1", "5", "5", "0", "0"], "six, rounded"
    with air.line.site.db.transaction() as session:
        session.execute(Exposure.__table__.delete().where(Exposure.at > air.line.rows(Exposure)[2]["at"]))
    few = ask("outcomes", "--csv", "--month", "2026-11").output
    assert ",<5,<5,0,0" in few
    assert ",3," not in few
    assert ask("outcomes", "--month", "2026").exit_code == 1
