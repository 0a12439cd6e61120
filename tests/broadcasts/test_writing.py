"""The words of a broadcast, the check of every row, and who may move it on."""

from datetime import timedelta
from pathlib import Path

import pytest

from hotline.audit import verify
from hotline.broadcasts import campaign, prices
from hotline.broadcasts.audience import Audience
from hotline.broadcasts.campaign import Refused
from hotline.broadcasts.check import shares
from hotline.broadcasts.texts import FILLED, LANGUAGES, Doubtful, Wording, Wrong, library
from hotline.catalog import CatalogError, shipped
from hotline.config import PROJECT
from hotline.models import AuditEvent, BroadcastState
from hotline.outbound.meter import Encoding
from tests.broadcasts.casting import OFFER, TEXTS, Casts, check

TEMPLATES = PROJECT / "message_templates"
FILLING = {"time": "18:00", "station": "Radio Rusizi", "day": "Monday 30", "place": "Kamembe"}


def wording(texts: dict[str, str], filled: dict[str, str] | None = None) -> Wording:
    words = shipped().with_deployment(cover="IJWI", tips="7788", radio="7799", ussd="*778#")
    return Wording(words, texts, FILLING if filled is None else filled, "Rusizi")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("one", library(TEMPLATES), ids=lambda one: one.key)
def test_every_text_of_the_library_is_one_plain_segment_and_may_be_sent(one: object, language: str) -> None:
    longest = {name: form.longest for name, form in FILLED.items()} | {"time": "18:00", "station": "Radio Rusizi FM 92.4"}
    judged = wording(dict(one.texts), longest).judge(language, native=True)  # type: ignore[attr-defined]
    assert judged.wrong == ()
    assert judged.measured is not None
    assert (judged.measured.encoding, judged.measured.segments) == (Encoding.GSM_7, 1), judged.measured


def test_every_fact_of_the_library_names_its_source_and_drafts_say_so() -> None:
    shelf = library(TEMPLATES)
    assert len(shelf) >= 6
    assert all(says and source for one in shelf for says, source in one.facts)
    assert {one.read_by_native for one in shelf} == {("en",)}


def test_a_library_that_lacks_a_language_is_refused(tmp_path: Path) -> None:
    (tmp_path / "awareness.toml").write_text('[x]\ntitle = "x"\nfacts = []\nread_by_native = []\nen = "x"\n')
    with pytest.raises(CatalogError, match="x lacks 'rw'"):
        library(tmp_path)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Keep your ID. STOP", ()),
        ("Keep your ID.", (Wrong.NO_STOP,)),
        ("Keep your ID. stop", (Wrong.NO_STOP,)),
        ("Ask the hotline. STOP", (Wrong.TELLS,)),
        ("Trafficking is a crime. STOP", (Wrong.TELLS,)),
        ("Hello {name}. STOP", (Wrong.PLACEHOLDER,)),
        ("Hello {time STOP", (Wrong.BRACES,)),
        ("Hello {time!r}. STOP", (Wrong.BRACES,)),
        ("Hello {0}. STOP", (Wrong.BRACES,)),
        ("x" * 320 + " STOP", (Wrong.LONG,)),
    ],
)
def test_what_may_not_be_sent_is_a_sentence(text: str, wrong: tuple[Wrong, ...]) -> None:
    assert wording({"en": text}).judge("en", native=True).wrong == wrong


@pytest.mark.parametrize("value", ["", "25:00", "7 pm", "18:00 {ussd}"])
def test_a_value_that_has_not_its_form_is_refused(value: str) -> None:
    assert Wrong.VALUE in wording({"en": "At {time}. STOP"}, {"time": value}).judge("en", native=True).wrong


def test_a_value_may_not_tell_either() -> None:
    judged = wording({"en": "On {station}. STOP"}, {"station": "Police Radio"}).judge("en", native=True)
    assert judged.wrong == (Wrong.TELLS,)


def test_a_dear_character_is_named_and_its_repair_offered() -> None:
    judged = wording({"fr": "Gardez l’argent, c’est à vous. STOP"}).judge("fr", native=False)  # noqa: RUF001
    assert judged.doubtful == (Doubtful.DRAFT, Doubtful.DEAR)
    assert judged.repaired == "Gardez l'argent, c'est à vous. STOP"


@pytest.mark.parametrize(("own", "got"), [("sw", "sw"), ("rn", "rw"), (None, "rw"), ("fr", "rw"), ("xx", "rw")])
def test_who_has_no_text_of_their_own_gets_the_nearest(own: str | None, got: str) -> None:
    assert wording({"rw": "a STOP", "sw": "b STOP"}).language(own) == got


def test_a_check_goes_through_every_row(casts: Casts) -> None:
    casts.people("a", 30, language="en", sector="Bugarama")
    casts.people("b", 25, start=900, language="rw")
    made = casts.draft("a", "b", texts={**TEXTS, "en": "In {sector}: keep your ID. STOP"})
    found = casts.check(made)
    assert (found.people, found.by_language, found.segments) == (55, {"en": 30, "rw": 25}, 55)
    assert ("en", "In Bugarama: keep your ID. STOP") in found.samples
    assert found.networks == [("simulator", "25078", 55, 55, 0)]
    assert (found.blocked, found.seconds) == ([], 55 / 20)
    assert "The prices are examples: write your contract's into the file of prices." in found.noted
    assert casts.row(made)["state"] == BroadcastState.CHECKED


def test_prices_are_by_gateway_and_the_longest_beginning(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text('currency = "RWF"\nagreed = true\n[at]\n"25078" = 14\n"250" = 20\n"" = 90.5\n')
    price = prices.load(file)
    assert [price.of("at", prefix) for prefix in ("25078", "25073", "257")] == [14, 20, 90.5]
    assert price.of("other", "25078") is None
    file.write_text("currency = ")
    with pytest.raises(prices.PriceError):
        prices.load(file)


def test_two_gateways_share_by_their_rates(casts: Casts) -> None:
    site = casts.site
    site.settings = site.settings.model_copy(
        update={"broadcast_gateways": ("simulator", "twilio"), "gateway_rates": ("simulator:30", "twilio:10")}
    )
    turns = shares(site)
    assert (turns.count("simulator"), turns.count("twilio")) == (30, 10)
    assert len(set(turns[:5])) == 2, "and none waits for the other to be through"
    casts.people("a", 40)
    assert {line[0]: line[2] for line in casts.check(casts.draft("a")).networks} == {"simulator": 30, "twilio": 10}


def approve(casts: Casts, made: str, actor: str, typed: int) -> None:
    with casts.site.db.transaction() as session:
        campaign.approve(session, casts.site, made, actor=actor, typed=typed, now=casts.now)


def test_nobody_approves_what_they_wrote_once_it_goes_to_many(casts: Casts) -> None:
    casts.people("a", 501)
    made = casts.draft("a")
    casts.check(made)
    with pytest.raises(Refused, match="somebody else"):
        approve(casts, made, "jeanne", 501)
    with pytest.raises(Refused, match="not the number"):
        approve(casts, made, "paul", 500)
    approve(casts, made, "paul", 501)
    assert casts.row(made)["approver"] == "paul"
    with pytest.raises(Refused, match="moved on"):
        approve(casts, made, "anna", 501)


def test_to_a_few_its_author_may_send_it(casts: Casts) -> None:
    casts.people("a", 500)
    made = casts.draft("a")
    casts.check(made)
    approve(casts, made, "jeanne", 500)
    assert casts.row(made)["state"] == BroadcastState.APPROVED


def test_whoever_changes_it_becomes_its_author_and_the_approval_is_gone(casts: Casts) -> None:
    casts.people("a", 501)
    made = casts.draft("a")
    casts.check(made)
    approve(casts, made, "paul", 501)
    with casts.site.db.transaction() as session:
        campaign.edit(session, made, actor="paul", now=casts.now, texts={"en": OFFER + " Now."})
    row = casts.row(made)
    assert (row["state"], row["author"], row["approver"], row["found"]) == (BroadcastState.DRAFT, "paul", None, None)
    casts.check(made)
    with pytest.raises(Refused, match="somebody else"):
        approve(casts, made, "paul", 501)


def test_a_check_of_what_has_changed_meanwhile_is_void(casts: Casts) -> None:
    casts.people("a", 30)
    made = casts.draft("a")
    with casts.site.db.reading() as session:
        seen = campaign.get(session, made)
    assert seen is not None
    with casts.site.db.transaction() as session:
        campaign.edit(session, made, actor="eve", now=casts.now, texts={"en": "Something else. STOP"})
    found = check(casts.site, made, casts.now)
    with pytest.raises(Refused, match="moved on or changed"), casts.site.db.transaction() as session:
        campaign.checked(session, seen, found, actor="jeanne", now=casts.now)


def test_an_old_check_and_a_past_time_do_not_hold(casts: Casts) -> None:
    casts.people("a", 30)
    made = casts.draft("a")
    casts.check(made)
    casts.line.later(hours=25)
    with pytest.raises(Refused, match="older than a day"):
        approve(casts, made, "paul", 30)
    casts.check(made)
    approve(casts, made, "paul", 30)
    with pytest.raises(Refused, match="passed"), casts.site.db.transaction() as session:
        campaign.schedule(session, casts.site, made, casts.now - timedelta(hours=1), actor="paul", now=casts.now)


@pytest.mark.parametrize("name", ["", "   ", "x" * 81])
def test_a_broadcast_has_a_name(casts: Casts, name: str) -> None:
    with pytest.raises(Refused, match="name"), casts.site.db.transaction() as session:
        campaign.create(session, name=name, texts={}, audience=Audience(), author="jeanne", now=casts.now)


def test_every_step_stands_on_the_record_without_a_word_of_it(casts: Casts) -> None:
    casts.people("a", 30)
    made = casts.begin("a")
    with casts.site.db.transaction() as session:
        campaign.pause(session, made, actor="paul", now=casts.now)
        campaign.stop(session, made, actor="paul", now=casts.now)
    acts = [row for row in casts.line.rows(AuditEvent) if row["object"] == made]
    steps = ("written", "checked", "approved", "scheduled", "paused", "stopped")
    assert [row["action"] for row in acts] == [f"broadcast.{step}" for step in steps]
    assert "Offered" not in str([row["meta"] for row in acts])
    with casts.site.db.reading() as session:
        assert verify(session, casts.site.settings.instance / "audit.anchors") is None


def test_sample_and_hold_out_are_near_what_was_asked_and_never_change(casts: Casts) -> None:
    half = Audience(sample=50, held_out=20)
    drawn = [half.part("b", f"{place:032x}") for place in range(4000)]
    assert drawn == [half.part("b", f"{place:032x}") for place in range(4000)]
    assert 0.46 <= 1 - drawn.count(drawn[0].NOT_SAMPLED) / 4000 <= 0.54
    assert 0.16 <= drawn.count(drawn[0].HELD_OUT) / (4000 - drawn.count(drawn[0].NOT_SAMPLED)) <= 0.24
    assert Audience.read(half.kept()) == half


def test_who_was_texted_lately_can_be_given_a_rest(casts: Casts) -> None:
    casts.people("a", 30)
    casts.people("b", 40, start=900)
    casts.begin("a")
    casts.line.work()
    assert casts.check(casts.draft("a", "b", rested_days=7)).people == 40
    casts.line.later(days=8)
    assert casts.check(casts.draft("a", "b", rested_days=7)).people == 70
