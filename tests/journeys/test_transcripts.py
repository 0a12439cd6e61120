"""Journeys told as transcripts: what phones do and what must come of it, played through the real door and by the command line."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from hotline.deployment import Deployment
from hotline.gateways.contract import OutboundText
from hotline.simulator.handsets import SHOWN, Handsets
from hotline.simulator.send import Exchange
from hotline.simulator.transcript import Player, Step, Transcript, Unreadable, read
from tests.broadcasts.casting import fill
from tests.calling import knock
from tests.dialling import post
from tests.journeys.running import Running
from tests.line import Line, fill_directory

STORIES = sorted(Path(__file__).with_name("transcripts").glob("*.yaml"))


class Straight:
    """Posts straight into the application."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def text(self, sender: str, text: str) -> Exchange:
        self._line.texts += 1
        return self._posted("sms", {"id": f"t{self._line.texts}", "from": sender, "to": "7788", "text": text})

    def hop(self, session: str, sender: str, text: str) -> Exchange:
        return self._posted("ussd", {"sessionId": session, "phoneNumber": sender, "text": text})

    def hops_end(self, session: str, sender: str, text: str, status: str) -> Exchange:
        return self._posted("ussd_end", {"sessionId": session, "phoneNumber": sender, "input": text, "status": status})

    def call(self, call: str, sender: str, target: str, fields: Mapping[str, str]) -> Exchange:
        answer = knock(self._line, target, {"call": call, "from": sender, **fields})
        return Exchange("", "", {}, b"", answer.status_code, "", {}, answer.data, 0.0)

    def _posted(self, kind: str, fields: dict[str, str]) -> Exchange:
        answer = post(self._line, kind, fields)
        return Exchange("", "", {}, b"", answer.status_code, "", {}, answer.data, 0.0)


@pytest.fixture
def line(deployment: Deployment, tmp_path: Path) -> Line:
    fill_directory(deployment, tmp_path)
    made = Line(deployment)
    fill(deployment, "market", [], made.now)
    return made


def by_id(bodies: Sequence[str]) -> dict[str, str]:
    return {str(number): body for number, body in enumerate(bodies)}


@pytest.fixture
def player(line: Line) -> Player:
    return Player(line.site, Straight(line), arrived=lambda phone: by_id(line.to(phone)), wait=line.work)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.stem)
def test_a_journey_comes_out_as_it_is_told(player: Player, story: Path) -> None:
    outcomes = list(player.play(read(story)))
    assert [outcome.why for outcome in outcomes if outcome.why] == []
    assert len(outcomes) == len(read(story).steps) > 5


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (Step(dial="", shows="Thank you"), "the page shows: IJWI"),
        (Step(dial="0", ends=False), "the session has ended"),
        (Step(dial="1", ends=True), "the session goes on"),
        (Step(dial="3", case={"state": "new"}, within=0.1), "there is no case"),
        (Step(dial="1*1", case={"state": "new"}, within=0.1), "the case has {'state': 'unfinished'}"),
        (Step(call=True, hears="Good morning"), "the call hears: Muraho"),
        (Step(text="they lock us in", gets="never said", within=0.1), "no such text has arrived"),
        (Step(dial="1", told="+250780000222", within=0.1), "nobody was told on that phone"),
    ],
)
def test_what_comes_out_another_way_is_named(player: Player, step: Step, why: str) -> None:
    *_, last = player.play(Transcript(about="a story that goes wrong", steps=(Step(phone="+250780000140"), step)))
    assert last.why.startswith(why)


def test_what_must_not_be_is_named_where_it_is(player: Player) -> None:
    about = (Step(phone="+250780000141"), Step(text="they lock us in", gets="IJWI"))
    for step, why in (
        (Step(case="none", within=0), "there is a case"),
        (Step(gets_nothing=True, within=0), "a text has arrived"),
    ):
        *_, last = player.play(Transcript(about="before and after", steps=(*about, step)))
        assert last.why == why


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("about: [", "not YAML"),
        ("about: nothing", "steps"),
        ("about: x\nsteps:\n  - shout: help", "steps.0.shout"),
        ("about: x\nsteps:\n  - {dial: '1', text: both}", "does one thing"),
    ],
)
def test_a_file_that_is_no_transcript_is_refused_with_its_fault(tmp_path: Path, words: str, why: str) -> None:
    (tmp_path / "story.yaml").write_text(words)
    with pytest.raises(Unreadable, match=why):
        read(tmp_path / "story.yaml")


def test_a_phone_with_more_texts_than_it_shows_can_still_be_told(line: Line) -> None:
    phones, officer = Handsets(line.site), "+250780000222"

    def arrive(*names: str) -> None:
        phones.deliver([OutboundText(name, officer, "a page") for name in names], sender="7788", head="")

    arrive(*(f"old{number}" for number in range(SHOWN + 5)))
    story = Transcript(about="one more page", steps=(Step(phone="+250780000142"), Step(told=officer, within=0.1)))
    told = Player(line.site, Straight(line), wait=lambda: arrive("new"))
    assert [outcome.why for outcome in told.play(story)] == ["", ""]


@pytest.mark.processes
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_the_command_plays_them_against_a_running_demo(running: Running, tmp_path: Path) -> None:
    played = running.command("sim", "run", *map(str, STORIES))
    assert played.returncode == 0, played.stdout + played.stderr
    assert played.stdout.count("as told") == len(STORIES)
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("about: it goes another way\nsteps:\n  - {phone: '+250780000139', dial: '', shows: Bonjour}\n")
    played = running.command("sim", "run", str(wrong))
    assert (played.returncode, "step 1: the page shows" in played.stdout) == (1, True)
