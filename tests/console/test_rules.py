"""Rules as sentences in the console: changed in a draft, tried on the last reports, published as they were tried."""

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from hotline.models import AuditEvent
from hotline.routing import draft
from hotline.routing.book import sentences
from hotline.routing.rules import DAYS, SHIPPED, Rule, Rules, Tell, When, parse, read
from tests.console.desk import Browser, Desk
from tests.console.test_rota import filled

ONE = {"name": "Work: the partner too", "category": "labour_abuse", "kind-0": "ngo", "tier-0": "director", "wake-0": "on"}


def mark(desk: Desk) -> str:
    held = draft.draft_of(desk.site.settings)
    assert held is not None
    return draft.mark(held)


def begun(desk: Desk) -> Browser:
    filled(desk)
    supervisor = desk.signed_in("supervisor")
    assert supervisor.post("/rules/draft").status_code == 303
    return supervisor


def text(answer: object) -> str:
    return " ".join(answer.get_data(as_text=True).split())  # type: ignore[attr-defined]


def test_rules_read_as_sentences(desk: Desk) -> None:
    filled(desk)
    page = text(desk.signed_in("supervisor").get("/rules"))
    assert "tell the <b>labour office</b> on duty" in page
    assert "<b>nobody else</b>" in page


def test_a_sentence_is_changed_tried_and_put_in_force_and_the_rules_of_before_are_kept(desk: Desk) -> None:
    supervisor = begun(desk)
    case = desk.case("my boss does not pay", category="labour_abuse", urgency="soon", rank=1)
    desk.assess(case, places=[], findings=[])
    assert supervisor.post("/rules/draft/7", mark=mark(desk), **ONE).status_code == 303
    assert len(sentences(desk.site).rule) == 7, "a draft is not in force"
    tried = text(supervisor.get("/rules/draft/try"))
    assert case.handle in tried
    assert "<b>Partner, on call</b>" in tried
    assert supervisor.post("/rules/publish", mark=mark(desk)).status_code == 303
    assert sentences(desk.site).rule[-1].name == ONE["name"]
    assert draft.draft_of(desk.site.settings) is None
    with desk.site.db.reading() as session:
        published = session.scalars(select(AuditEvent).where(AuditEvent.action == "rules.published")).one()
    assert published.actor == "officer:supervisor"
    supervisor.post("/rules/draft")
    supervisor.post("/rules/draft/0/remove", mark=mark(desk))
    supervisor.post("/rules/publish", mark=mark(desk))
    (before,) = draft.former(desk.site.settings)
    supervisor.post("/rules/draft", **{"from": before})
    again = draft.draft_of(desk.site.settings)
    assert again is not None
    assert [rule.name for rule in again.rule][-1] == ONE["name"]


def test_what_somebody_else_changed_meanwhile_is_neither_overwritten_nor_published(desk: Desk) -> None:
    supervisor = begun(desk)
    seen = mark(desk)
    supervisor.post("/rules/draft/0/down", mark=seen)
    assert supervisor.post("/rules/draft/0/remove", mark=seen).status_code == 409
    assert supervisor.post("/rules/publish", mark=seen).status_code == 409
    assert supervisor.post("/rules/draft/7", mark=seen, **ONE).status_code == 409
    assert sentences(desk.site) == read(SHIPPED)


def test_a_sentence_that_tells_nobody_or_has_a_name_twice_is_refused_and_what_was_chosen_stays(desk: Desk) -> None:
    supervisor = begun(desk)
    nobody = supervisor.post("/rules/draft/7", mark=mark(desk), name="To nobody", category="gbv")
    assert nobody.status_code == 422
    assert "at least one" in text(nobody)
    assert 'value="gbv" checked' in text(nobody)
    twice = supervisor.post("/rules/draft/7", mark=mark(desk), **ONE | {"name": "Violence"})
    assert twice.status_code == 422
    assert "a name of its own" in text(twice)


def test_whoever_may_not_keep_rules_sees_none(desk: Desk) -> None:
    begun(desk)
    for name in ("intake", "admin", "auditor", "agency"):
        assert desk.signed_in(name).get("/rules/draft/1").status_code == 404


RULES = st.builds(
    Rule,
    name=st.text(min_size=3, max_size=80),
    when=st.builds(
        When,
        category=st.lists(st.sampled_from(["trafficking", "gbv"]), unique=True).map(tuple),
        minors=st.none() | st.booleans(),
        places=st.lists(st.text(max_size=12), max_size=2).map(tuple),
        days=st.lists(st.sampled_from(DAYS), unique=True).map(tuple),
        hours=st.none() | st.just("22:00-06:00"),
    ),
    tell=st.lists(st.builds(Tell, kind=st.sampled_from(["*", "rib", "ngo"]), wake=st.booleans()), min_size=1, max_size=3).map(
        tuple
    ),
    only=st.booleans(),
)


@given(st.lists(RULES, max_size=4, unique_by=lambda rule: rule.name))
def test_rules_written_are_read_as_the_same(rules: list[Rule]) -> None:
    whole = Rules(version="a", rule=tuple(rules))
    assert parse(draft.written(whole)) == whole
