"""A report that names or accuses somebody is kept from them from its first moment, on both databases."""

import random
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update

from hotline import handle, sight
from hotline.casework.answers import Decision, answer
from hotline.console import listing
from hotline.db import add_rows
from hotline.deployment import Deployment
from hotline.models import (
    Agency,
    Case,
    CaseKey,
    Contact,
    Duty,
    Exclusion,
    ExclusionState,
    Message,
    MessageKind,
    MessageState,
    Officer,
    Reading,
    Referral,
    ReferralState,
    Verb,
    new_id,
    table,
)
from hotline.officers import enrol
from hotline.roles import Role
from hotline.routing import conflict, escalate
from hotline.routing.grow import reread
from hotline.routing.refer import Referable, refer
from hotline.routing.settle import resume

MIDNIGHT = 24 * 60
STATION = "Bugarama police post"


@pytest.fixture
def district(district: Deployment) -> Deployment:
    """The demo's district with one police post, so that it is always the one who is told; everybody is on duty at any hour."""
    with district.db.transaction() as session:
        session.execute(update(Duty).values(start=0, end=MIDNIGHT))
        session.scalars(select(Contact).where(Contact.name == "Kamembe police station")).one().active = False
    return district


def reading(words: str, **facts: object) -> Reading:
    plain = {
        "category": "missing_person",
        "urgency": "immediate",
        "minors": "false",
        "language": "en",
        "language_confident": True,
    }
    return Reading(**plain | facts, places=("Bugarama",), rules_version="x", whole='{"places": ["Bugarama"]}', words=words)


def opened(site: Deployment, words: list[str], **facts: object) -> list[Referable]:
    """Cases that were just received, ready to be referred."""
    cases, rows, keys = [], [], []
    with site.db.transaction() as session:
        now = site.db.now(session)
        codes: set[str] = set()
        while len(codes) < len(words):
            codes.add(handle.make())
        for one, code in zip(words, codes, strict=True):
            case_id = new_id()
            key, wrapped = site.keyring.new_case_key(case_id)
            read = reading(one, **facts)
            about = {name: getattr(read, name) for name in ("category", "urgency", "rank", "minors", "language")}
            rows.append({"id": case_id, "token": case_id, "handle": code, "state": "new", "channel": "sms",
                         "opened_at": now, "updated_at": now, "ladder_step": 0, "version": 0, **about})  # fmt: skip
            keys.append({"case_id": case_id, "kid": site.keyring.kid, "wrapped": wrapped})
            cases.append(Referable(case_id, code, key, read))
        add_rows(session, table(Case), rows)
        add_rows(session, table(CaseKey), keys)
    return cases


def referred(site: Deployment, *words: str, **facts: object) -> list[Referable]:
    cases = opened(site, list(words), **facts)
    with site.db.transaction() as session:
        refer(session, site, cases, site.db.now(session))
    return cases


def told(site: Deployment, case: Referable) -> dict[str, str]:
    """Names of the contacts who have a referral of a case, and how it stands."""
    with site.db.reading() as session:
        rows = session.scalars(select(Referral).where(Referral.case_id == case.case_id)).all()
        return {row.contact.name: row.state for row in rows}


def paged(site: Deployment, case: Referable) -> set[str]:
    """Names of those to whom an alert of a case is on its way."""
    on_its_way = (Message.case_id == case.case_id, Message.kind == MessageKind.ALERT, Message.state == MessageState.QUEUED)
    with site.db.reading() as session:
        return set(session.scalars(select(Contact.name).join(Message, Message.contact_id == Contact.id).where(*on_its_way)))


def supervisor(site: Deployment) -> Officer:
    with site.db.reading() as session:
        return session.scalars(select(Officer).where(Officer.name == "claudine")).one()


def row_of(site: Deployment, case: Referable) -> Case:
    with site.db.reading() as session:
        return session.get_one(Case, case.case_id)


def decide_all(site: Deployment, case: Referable, *, excluded: bool) -> None:
    with site.db.transaction() as session:
        now = site.db.now(session)
        for row_id in session.scalars(select(Exclusion.id).where(Exclusion.case_id == case.case_id)).all():
            settled = conflict.decide(
                session, session.get_one(Case, case.case_id), row_id, officer=supervisor(site), excluded=excluded, now=now
            )
        if settled:
            resume(session, site, case.case_id, now)


def test_an_accused_police_is_told_nothing_and_bodies_outside_the_district_are_told_at_once(district: Deployment) -> None:
    (case,) = referred(district, "the policeman sells the girls and the police takes money")
    assert set(told(district, case)) == {"Investigation bureau", "Partner, on call"}
    (calm,) = referred(district, "the police takes money from them", urgency="soon")
    assert set(told(district, calm)) <= {"Investigation bureau", "Partner, on call"}
    assert told(district, calm)


def test_a_report_that_names_nobody_goes_its_usual_way(district: Deployment) -> None:
    (case,) = referred(district, "they locked us in, call the police")
    assert "Bugarama police post" in told(district, case)


def test_the_ladder_climbs_past_who_must_not_know(district: Deployment) -> None:
    (case,) = referred(district, f"the {STATION} knows them")
    for minutes in (6, 11, 21, 31, 46, 61):
        with district.db.transaction() as session:
            escalate.climb(session, district, district.db.now(session) + timedelta(minutes=minutes))
    names = set(told(district, case))
    assert names == {"Investigation bureau", "Partner, on call"}


def test_decided_the_case_goes_to_who_may_know(district: Deployment) -> None:
    (case,) = referred(district, f"the {STATION} knows them")
    decide_all(district, case, excluded=True)
    names = set(told(district, case))
    assert STATION not in names
    assert names > {"Investigation bureau", "Partner, on call"}
    with district.db.reading() as session:
        assert not conflict.bar(session, case.case_id).outside


def test_dismissed_the_case_goes_to_all(district: Deployment) -> None:
    (case,) = referred(district, f"the {STATION} knows them")
    decide_all(district, case, excluded=False)
    assert {STATION, "District supervisor"} & set(told(district, case))


def test_whoever_had_taken_it_is_forgotten_when_later_words_name_them(district: Deployment) -> None:
    (case,) = referred(district, "they locked us in")
    with district.db.transaction() as session:
        now = district.db.now(session)
        post = session.scalars(select(Contact).where(Contact.name == STATION)).one()
        answer(session, district, Decision(post.id, Verb.TAKE, case.handle), now)
    assert row_of(district, case).acknowledged_by_id == post.id
    with district.db.transaction() as session:
        reread(session, district, [(case.case_id, case.key, reading(f"they locked us in\nthe {STATION} is with them"))], now)
    row = row_of(district, case)
    assert (row.acknowledged_at, row.acknowledged_by_id) == (None, None)
    assert row.next_step_at is not None
    assert told(district, case)[STATION] == ReferralState.WITHDRAWN
    assert STATION not in paged(district, case)


def test_the_answer_of_who_must_not_know_meets_an_unknown_code(district: Deployment) -> None:
    (case,) = referred(district, "they locked us in")
    with district.db.transaction() as session:
        now = district.db.now(session)
        post = session.scalars(select(Contact).where(Contact.name == STATION)).one()
        conflict.exclude(
            session,
            district,
            session.get_one(Case, case.case_id),
            officer=supervisor(district),
            whom=f"contact:{post.id}",
            words="",
            now=now,
        )
        answer(session, district, Decision(post.id, Verb.TAKE, case.handle), now)
        newest = select(Message).where(Message.contact_id == post.id, Message.kind == MessageKind.NOTICE)
        assert session.scalars(newest).one().template == "staff.unknown_code"
    assert row_of(district, case).acknowledged_at is None


def test_a_kept_away_contact_who_may_know_after_all_has_the_case_back(district: Deployment) -> None:
    (case,) = referred(district, "they locked us in")
    with district.db.transaction() as session:
        now = district.db.now(session)
        post = session.scalars(select(Contact).where(Contact.name == STATION)).one()
        conflict.exclude(
            session,
            district,
            session.get_one(Case, case.case_id),
            officer=supervisor(district),
            whom=f"contact:{post.id}",
            words="",
            now=now,
        )
    decide_all(district, case, excluded=False)
    assert told(district, case)[STATION] in {ReferralState.QUEUED, ReferralState.TOLD}


def test_nobody_is_excluded_who_is_not_there(district: Deployment) -> None:
    (case,) = referred(district, "they locked us in")
    with district.db.transaction() as session, pytest.raises(conflict.Unknown):
        conflict.exclude(
            session,
            district,
            session.get_one(Case, case.case_id),
            officer=supervisor(district),
            whom="contact:none",
            words="",
            now=district.db.now(session),
        )


def test_the_words_that_said_so_are_sealed(district: Deployment) -> None:
    (case,) = referred(district, f"the {STATION} knows them")
    with district.db.reading() as session:
        rows = session.scalars(select(Exclusion).where(Exclusion.case_id == case.case_id)).all()
        assert rows
        assert all(b"bugarama" not in row.sealed for row in rows)
        assert "bugarama police post" in conflict.shown(session, case.case_id, case.key)[0].words


# ---- two thousand reports that name somebody --------------------------------------------------------------------


def test_of_two_thousand_reports_that_name_an_officer_or_station_the_excluded_see_nothing(district: Deployment) -> None:
    """T-ESC-3: by name, badge, nickname and misspelling; no alert, referral, row, count, link or statistic."""
    ways = [
        "Jean Bosco Habimana keeps girls", "afande Habimana came", "officer habymana sells them", "ask kikwete, he hides her",
        "badge RNP-4499", "bosco habimna took us", f"the {STATION} sent us back", "polise post of bugarama knows",
        "HABIMANA BOSCO again",
    ]  # fmt: skip
    dice = random.Random(6)
    texts = [
        f"{dice.choice(['', 'help ', 'please ', 'in Muganza '])}{dice.choice(ways)} {dice.choice(['', 'now', 'tonight'])}"
        for _ in range(2000)
    ]
    with district.db.transaction() as session:
        police = session.scalars(select(Agency).where(Agency.kind == "police")).one()
        post = session.scalars(select(Contact).where(Contact.name == STATION)).one()
        post.aliases, post.badge = ["Jean Bosco Habimana", "Kikwete"], "RNP 4499"
        enrol(
            session,
            district,
            name="inside",
            display_name="Bosco H.",
            role=Role.SUPERVISOR,
            password="an invented password",
            demo=True,
        )
        inside = session.scalars(select(Officer).where(Officer.name == "inside")).one()
        inside.agency_id, inside.station = police.id, STATION
    with sight.reading(district.db, inside) as session:
        before = listing.page(session, listing.View.ALL, inside), listing.counts(session, inside)
    cases = referred(district, *texts)
    with district.db.transaction() as session:
        escalate.climb(session, district, district.db.now(session) + timedelta(hours=2))
    with district.db.reading() as session:
        kept = session.scalar(select(func.count(Exclusion.case_id.distinct())))
        assert kept == len(cases)
        for model in (Message, Referral):
            assert session.scalar(select(func.count()).select_from(model).where(model.contact_id == post.id)) == 0
        assert session.scalar(select(func.count()).select_from(Referral)) >= len(cases)
        assert session.scalars(select(Exclusion.state).distinct()).all() == [ExclusionState.PROPOSED]
    with sight.reading(district.db, inside) as session:
        assert (listing.page(session, listing.View.ALL, inside), listing.counts(session, inside)) == before
        for model in (Case, CaseKey, Message, Referral):
            assert session.scalar(select(func.count()).select_from(model)) == 0
            assert session.execute(select(table(model))).all() == []
        assert session.scalars(select(Case).where(Case.handle == cases[0].handle)).first() is None


def test_postgresql_itself_hides_rows_from_who_must_not_know(district: Deployment, store: str) -> None:
    if store != "postgresql":
        pytest.skip("SQLite has no policies")
    (case, other) = referred(district, f"the {STATION} knows them", "they locked us in")
    with district.db.transaction() as session:
        session.execute(text("SELECT set_config('hotline.subjects', :mine, true)"), {"mine": f"x\x1fstation:{STATION}"})
        tables = ('"case"', "case_key", "message", "referral")
        for name in tables:
            of = "id" if name == '"case"' else "case_id"
            seen = set(session.scalars(text(f"SELECT {of} FROM {name}")))  # noqa: S608  our own names
            assert case.case_id not in seen
            assert other.case_id in seen
        changed = session.execute(text('UPDATE "case" SET version = 9 WHERE id = :case_id'), {"case_id": case.case_id})
        assert changed.rowcount == 0
    with district.db.reading() as session:
        assert set(session.scalars(text('SELECT id FROM "case"'))) == {case.case_id, other.case_id}


def test_a_row_of_each_table_of_a_case_has_a_policy(deployment: Deployment, store: str) -> None:
    """A table added later with a case_id and no policy would be a hole. `exclusion` alone has none: it is what they ask."""
    if store != "postgresql":
        pytest.skip("SQLite has no policies")
    ours = {"case"} | {one.name for one in table(Case).metadata.sorted_tables if "case_id" in one.c}
    with deployment.db.reading() as session:
        policed = set(session.scalars(text("SELECT tablename FROM pg_policies WHERE policyname = 'seen'")))
        forced = set(session.scalars(text("SELECT relname FROM pg_class WHERE relforcerowsecurity")))
    assert policed == forced == ours - {"exclusion"}
