"""A played day: a few reports, 30 contacts who answer as people do, and a gateway that dies at noon. All of it is invented."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import update

from hotline.config import Settings
from hotline.deployment import Deployment
from hotline.models import Inbox, InboxState, Referral, table
from workers.day.judge import Waits, judge
from workers.day.play import Page, Play
from workers.day.stage import FIRST, SECOND, Stage
from workers.day.story import BEGINS, tell

SEED, REPORTS = 6, 16
_before: dict[int, Mapping[str, Mapping[str, Waits]]] = {}


def played(settings: Settings) -> Play:
    stage = Stage(settings.model_copy(update={"gateway": FIRST, "second_gateway": SECOND}))
    play = Play(stage, tell(SEED, REPORTS), until=timedelta(hours=13), afterwards=timedelta(hours=2))
    play.run()
    return play


def test_in_a_day_every_danger_to_life_is_taken_and_nobody_is_paged_after_it(deployment: Deployment) -> None:
    play = played(deployment.settings)
    verdict = judge(play)
    assert verdict.broken == ()
    life = verdict.lanes["immediate"]
    assert life["acknowledged"].count > life["acknowledged"].open_ == 0
    assert verdict.pages >= verdict.reports
    assert _before.setdefault(SEED, verdict.lanes) == verdict.lanes, "the same seed, the same table, on either database"
    _see_that_the_judge_is_awake(play)
    play.stage.close()


def _see_that_the_judge_is_awake(play: Play) -> None:
    """Break each rule in what a day has left behind; the judge must find it."""
    honest, some = list(play.pages), play.pages[0]
    named = next(text for text in play.story.texts if text.whom)
    handle = next(handle for handle, report in play._reports.items() if report == named.report)
    play.pages.append(replace(some, answered=True))
    assert "a page left after somebody had answered" in " ".join(judge(play).broken)
    play.pages[:] = [*honest, Page(BEGINS, named.whom, handle, alert=False, answered=False)]
    assert "who is named in it" in " ".join(judge(play).broken)
    play.pages[:] = honest[:1]
    play.loud.said.append("step failed")
    with play.stage.db.transaction() as session:
        session.execute(update(table(Referral)).values(told_at=None))
        session.execute(update(table(Inbox)).values(state=InboxState.POISON))
    said = " ".join(judge(play).broken)
    assert all(words in said for words in ("fewer than two agencies", "no part of a report", "step failed"))


def test_the_same_seed_tells_the_same_story_and_another_one_another() -> None:
    assert tell(1, 60) == tell(1, 60)
    assert tell(1, 60).texts != tell(2, 60).texts
    assert len(tell(1, 60).people) == 30
