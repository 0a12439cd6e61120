"""The directory in the console: one contact at a time, as a sheet, who is away and who stands in. All of it is invented."""

from datetime import UTC, datetime, timedelta
from io import BytesIO

from sqlalchemy import select
from werkzeug.test import TestResponse

from hotline.casework import answers
from hotline.gateways import webhook
from hotline.models import Agency, AuditEvent, Contact, Message, Spell, Verb
from tests.console.desk import ORIGIN, Browser, Desk
from tests.console.test_rota import filled

STATION = "Kamembe police station"


def by_name(desk: Desk, name: str) -> Contact:
    with desk.site.db.reading() as session:
        return session.scalars(select(Contact).where(Contact.name == name)).unique().one()


def text(answer: TestResponse) -> str:
    return " ".join(answer.get_data(as_text=True).split())


def blanks(desk: Desk, name: str = STATION, **changed: str) -> dict[str, str]:
    """What the form of a contact sends."""
    one = by_name(desk, name)
    plain = {
        "name": one.name,
        "agency": one.agency.name,
        "language": one.language,
        "tier": one.tier,
        "areas": ", ".join(one.areas),
    }
    ticks = {"every": "on", "minors": "on", "active": "on"} | ({"last_resort": "on"} if one.last_resort else {})
    return plain | ticks | {"hours": "mon-sun 00:00-24:00", "station": one.station or ""} | changed


def sheet_of(browser: Browser, csv: str, **more: str) -> TestResponse:
    fields = {"sheet": (BytesIO(csv.encode()), "sheet.csv"), "csrf_token": browser.token(), **more}
    kind = "multipart/form-data"
    return browser.client.post("/directory/sheet", data=fields, content_type=kind, headers={"Origin": ORIGIN})


def test_everybody_stands_there_with_what_they_are_told_of_and_no_number(desk: Desk) -> None:
    filled(desk)
    page = text(desk.signed_in("admin").get("/directory"))
    assert all(words in page for words in (STATION, "every matter", "Never verified", "Last resort"))
    assert "780000" not in page
    form = text(desk.signed_in("admin").get(f"/directory/contact/{by_name(desk, STATION).id}"))
    assert "Ends in 202" in form
    assert "780000202" not in form.replace(" ", "")


def test_a_contact_is_changed_and_a_new_number_is_one_nobody_has_verified(desk: Desk) -> None:
    filled(desk)
    admin, before = desk.signed_in("admin"), by_name(desk, STATION)
    here = f"/directory/contact/{before.id}"
    assert admin.post(f"{here}/verify").status_code == 303
    assert by_name(desk, STATION).verified_at is not None
    kept = admin.post(here, **blanks(desk, areas="Kamembe, Mururu", aliases="Afande Kazi", hours="mon-fri 08:00-17:00"))
    assert kept.status_code == 303
    one = by_name(desk, STATION)
    assert (one.areas, one.aliases, one.number_index) == (["Kamembe", "Mururu"], ["Afande Kazi"], before.number_index)
    assert (len(one.duties), one.verified_at is not None) == (5, True)
    admin.post(here, **blanks(desk, number="+250 780 000 777"))
    one = by_name(desk, STATION)
    assert one.number_index == desk.site.number_index("+250780000777")
    assert one.verified_at is None
    with desk.site.db.reading() as session:
        record = session.scalars(select(AuditEvent).where(AuditEvent.action.like("directory.%")).order_by(AuditEvent.seq)).all()
    assert [event.action for event in record] == ["directory.verified", "directory.changed", "directory.changed"]
    assert not any("780" in str(event.meta) for event in record)


def test_what_is_not_fit_is_said_at_its_blank_and_nothing_is_changed(desk: Desk) -> None:
    filled(desk)
    admin, one = desk.signed_in("admin"), by_name(desk, STATION)
    wrong = admin.post(f"/directory/contact/{one.id}", **blanks(desk, number="+250 780 000 201", hours="all day"))
    assert wrong.status_code == 422
    assert "Hours are days and times" in text(wrong)
    taken = admin.post(f"/directory/contact/{one.id}", **blanks(desk, number="+250 780 000 201"))
    assert "Another contact has this number" in text(taken)
    last = by_name(desk, "Partner, on call")
    fields = blanks(desk, "Partner, on call")
    fields.pop("last_resort")
    assert "Somebody must be the last resort" in text(admin.post(f"/directory/contact/{last.id}", **fields))
    assert by_name(desk, "Partner, on call").last_resort
    assert by_name(desk, STATION).number_index == one.number_index


def test_a_new_contact_of_a_new_agency_is_added(desk: Desk) -> None:
    filled(desk)
    fields = {"name": "Night desk", "new_agency": "Shelter (invented)", "kind": "ngo", "number": "+250 780 000 555"}
    more = {"language": "rw", "tier": "duty", "areas": "Rusizi", "category": "gbv", "active": "on", "hours": ""}
    assert desk.signed_in("admin").post("/directory/contact/new", **fields, **more).status_code == 303
    with desk.site.db.reading() as session:
        assert session.scalars(select(Agency.kind).where(Agency.name == "Shelter (invented)")).one() == "ngo"
    assert by_name(desk, "Night desk").categories == ["gbv"]


def test_whoever_is_away_is_not_on_duty_and_somebody_stands_in(desk: Desk) -> None:
    filled(desk)
    admin, zone = desk.signed_in("admin"), desk.site.settings.zone
    one, other = by_name(desk, STATION), by_name(desk, "Labour inspector")
    now = datetime.now(zone)
    span = {"begins": f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M}", "ends": f"{now + timedelta(days=2):%Y-%m-%dT%H:%M}"}
    assert admin.post(f"/directory/contact/{one.id}/span", what="away", instead=other.id, **span).status_code == 303
    rota = text(desk.signed_in("intake").get("/rota"))
    assert "Away until" in rota
    assert "On duty out of turn until" in rota
    backwards = {"begins": span["ends"], "ends": span["begins"]}
    assert admin.post(f"/directory/contact/{one.id}/span", what="on", **backwards).status_code == 422
    with desk.site.db.reading() as session:
        spell = session.scalars(select(Spell).where(Spell.contact_id == one.id)).one()
    admin.post(f"/directory/contact/{one.id}/span/{spell.id}/remove")
    assert "Away until" not in text(desk.signed_in("intake").get("/rota"))


def test_a_sheet_is_refused_by_row_and_column_or_taken_in_whole(desk: Desk) -> None:
    filled(desk)
    admin = desk.signed_in("admin")
    head = "agency,kind,name,number,language,areas,categories"
    wrong = sheet_of(admin, f"{head}\nX,ngo,One,0780000601,en,Rusizi,*\nX,ngo,Two,none,xx,Rusizi,*\n")
    assert wrong.status_code == 422
    assert "<td>3</td><td>language</td>" in text(wrong)
    assert "<td>3</td><td>number</td>" in text(wrong)
    good = f"{head}\nX (invented),ngo,One,0780000601,en,Rusizi,*\n"
    assert "1 contact, nothing wrong" in text(sheet_of(admin, good, check="1"))
    assert "1 added" in text(sheet_of(admin, good))
    assert by_name(desk, "One").agency.name == "X (invented)"
    away = admin.post("/directory/sheet/download")
    assert "+250780000601" in away.get_data(as_text=True).replace(" ", "")
    assert "attachment" in away.headers["Content-Disposition"]


def test_a_holiday_is_noted_and_taken_back(desk: Desk) -> None:
    filled(desk)
    admin, day = desk.signed_in("admin"), f"{datetime.now(desk.site.settings.zone) + timedelta(days=9):%Y-%m-%d}"
    admin.post("/directory/holiday", day=day, name="A day off")
    assert "A day off" in text(admin.get("/directory"))
    admin.post("/directory/holiday", day=day, name="")
    assert "A day off" not in text(admin.get("/directory"))


def test_a_contact_is_told_beside_the_text_and_who_keeps_the_directory_sees_the_secret_to_pass_on(desk: Desk) -> None:
    filled(desk)
    admin, one = desk.signed_in("admin"), by_name(desk, STATION)
    here = f"/directory/contact/{one.id}"
    wrong = admin.post(here, **blanks(desk, email="desk@agency", webhook="http://agency.example/"))
    assert wrong.status_code == 422
    assert all(said in text(wrong) for said in ("This is no e-mail address.", "begins with https://"))
    assert admin.post(here, **blanks(desk, email="desk@agency.example", webhook="https://agency.example/in")).status_code == 303
    page = text(admin.get(here))
    assert "desk@agency.example" in page
    assert webhook.secret(desk.site.keyring, "https://agency.example/in") in page
    kept = by_name(desk, STATION)
    assert b"agency.example" not in (kept.mail_sealed or b"") + (kept.webhook_sealed or b"")
    assert admin.post(here, **blanks(desk)).status_code == 303
    assert (by_name(desk, STATION).mail_sealed, by_name(desk, STATION).webhook_sealed) == (None, None)


def test_two_swap_and_each_is_on_duty_for_the_other(desk: Desk) -> None:
    filled(desk)
    admin, zone = desk.signed_in("admin"), desk.site.settings.zone
    one, other = by_name(desk, STATION), by_name(desk, "Labour inspector")
    now = datetime.now(zone)
    times = [f"{now + timedelta(days=days):%Y-%m-%dT%H:%M}" for days in (1, 2, 8, 9)]
    spans = dict(zip(("begins", "ends", "back_begins", "back_ends"), times, strict=True))
    here = f"/directory/contact/{one.id}/span"
    assert admin.post(here, what="swap", instead=one.id, **spans).status_code == 422
    assert admin.post(here, what="swap", instead=other.id, **spans | {"back_ends": ""}).status_code == 422
    with desk.site.db.reading() as session:
        assert session.scalars(select(Spell)).all() == []
    assert admin.post(here, what="swap", instead=other.id, **spans).status_code == 303
    with desk.site.db.reading() as session:
        spells = session.scalars(select(Spell).order_by(Spell.begins)).all()
    kept = {(spell.contact_id == one.id, spell.on_duty, spell.begins > spells[0].begins) for spell in spells}
    assert kept == {(True, False, False), (False, True, False), (True, True, True), (False, False, True)}


def test_a_test_page_is_answered_with_its_code(desk: Desk) -> None:
    filled(desk)
    admin, one = desk.signed_in("admin"), by_name(desk, STATION)
    here = f"/directory/contact/{one.id}"
    assert admin.post(f"{here}/test").status_code == 303
    assert "not answered yet" in text(admin.get(here))
    code = by_name(desk, STATION).test_code
    assert said(desk, one, "K7-4QM9") == ["staff.desk_test", "staff.unknown_code"]
    assert by_name(desk, STATION).test_answered_at is None
    assert said(desk, by_name(desk, "Labour inspector"), code) == ["staff.unknown_code"], "only from the phone it went to"
    assert said(desk, one, code) == ["staff.desk_test", "staff.unknown_code", "staff.desk_test_seen"]
    assert "A test page was answered" in text(admin.get(here))
    assert "answered a test" in text(desk.signed_in("intake").get("/rota"))


def said(desk: Desk, one: Contact, code: str) -> list[str | None]:
    """Let a contact answer 1 with a code. Returns what their phone has been sent."""
    with desk.site.db.transaction() as session:
        answers.answer(session, desk.site, answers.Decision(one.id, Verb.TAKE, code), datetime.now(UTC))
        return list(session.scalars(select(Message.template).where(Message.contact_id == one.id).order_by(Message.id)))


def test_who_has_no_phone_is_shown_so_and_told_nothing_where_no_mail_leaves(desk: Desk) -> None:
    filled(desk)
    admin = desk.signed_in("admin")
    office = {"name": "Consul", "email": "consul@office.example", "new_agency": "An office", "kind": "embassy"}
    fields = blanks(desk, "Labour inspector") | office
    assert admin.post("/directory/contact/new", **fields | {"email": ""}).status_code == 422
    assert admin.post("/directory/contact/new", **fields).status_code == 303
    page = text(admin.get("/directory"))
    assert "No phone" in page
    assert "1 contact has no phone" in page
    admin.post(f"/directory/contact/{by_name(desk, 'Consul').id}/test")
    assert "Nothing was sent" in text(admin.get("/directory"))
