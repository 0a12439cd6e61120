"""The directory as a sheet: one CSV row a contact, written, read back, or refused as a whole with a sentence for each fault.

Comes in: text. Goes out: rows and faults; only a sheet without faults changes anything, in one transaction. A contact is known by
the number, one without a phone by agency and name; an empty number leaves the one there is. Who is missing from a sheet is left
as they are. The sheet holds numbers of contacts in clear: it is for who keeps the directory, and not part of a backup.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotline import audit
from hotline.deployment import Deployment
from hotline.gateways.mail import ADDRESS
from hotline.gateways.webhook import taken_apart
from hotline.models import Agency, Contact, Duty, Tier, new_id
from hotline.routing.rules import DAYS

COLUMNS: Final = (
    "agency", "kind", "name", "number", "language", "tier", "areas", "categories", "hours", "minors", "last_resort", "station",
    "aliases", "badge", "verified", "active", "rests_on_holidays", "email", "webhook", "crossings", "abroad",
)  # fmt: skip
NEEDED: Final = ("agency", "kind", "name", "language", "areas", "categories")
WAYS: Final = ("number", "email", "webhook")
YES_OR_NO: Final[Mapping[str, bool]] = {"yes": True, "no": False}
FORMULA: Final = tuple("=+-@\t\r")  # a cell that begins so is run by spreadsheet programs
MINUTES_OF_DAY: Final = 24 * 60


@dataclass(frozen=True)
class Fault:
    """What is wrong in one row; rows count as a spreadsheet shows them, the header is 1. Never repeats a number."""

    row: int
    column: str
    says: str


@dataclass(frozen=True)
class Row:
    """One contact as the sheet has it, read."""

    agency: str
    kind: str
    name: str
    number: str | None
    language: str
    tier: Tier
    areas: tuple[str, ...]
    categories: tuple[str, ...]
    hours: tuple[str, ...]
    minors: bool
    last_resort: bool
    station: str | None
    aliases: tuple[str, ...]
    badge: str | None
    verified: date | None
    active: bool
    rests_on_holidays: bool
    email: str | None
    webhook: str | None
    crossings: bool
    abroad: bool

    @property
    def known_as(self) -> str:
        """By what two rows of a sheet are told apart."""
        return self.number or f"{self.agency}\n{self.name}"


@dataclass(frozen=True)
class Changes:
    """What a sheet did: contacts added, changed, and left as they were."""

    added: int = 0
    changed: int = 0


class Refused(ValueError):
    """A sheet was not taken. Carries its faults."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = tuple(faults)


class _Wrong(ValueError):
    """A cell is not fit; says why in words that hold no value of it."""


def read(text: str, deployment: Deployment) -> tuple[Row, ...]:
    """Read a sheet. Raises Refused with every fault there is."""
    lines = csv.DictReader(io.StringIO(text.removeprefix("\N{BYTE ORDER MARK}")))
    header = [name.strip().lower() for name in lines.fieldnames or ()]
    faults = [Fault(1, name, "This column is missing.") for name in NEEDED if name not in header]
    faults += [Fault(1, name, "This column is not known.") for name in header if name not in COLUMNS]
    if faults:
        raise Refused(faults)
    rows: list[Row] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, start=2):
        line_cells = {name.strip().lower(): _plain(value) for name, value in line.items() if name and isinstance(value, str)}
        if None in line:
            faults.append(Fault(number, "", "The row has more cells than the header."))
            continue
        row, wrong = _row(number, line_cells, deployment)
        faults += wrong
        if row is None:
            continue
        if (first := seen.setdefault(row.known_as, number)) != number:
            what = "number" if row.number else "name"
            faults.append(Fault(number, what, f"The same {what} as in row {first}."))
        rows.append(row)
    if faults:
        raise Refused(faults)
    return tuple(rows)


def row_of(given: Mapping[str, str], deployment: Deployment) -> Row:
    """Read one contact by itself. Raises Refused."""
    row, faults = _row(1, {name: value.strip() for name, value in given.items()}, deployment)
    if row is None:
        raise Refused(faults)
    return row


def take(session: Session, deployment: Deployment, rows: Sequence[Row], now: datetime, *, actor: str) -> Changes:
    """Write the rows of a sheet. Raises Refused, and then nothing is changed, when no last resort would be left."""
    people = session.scalars(select(Contact)).unique().all()
    agencies = {one.name: one for one in session.scalars(select(Agency))}
    found = _found(people, rows, deployment)
    _keep_a_last_resort(people, rows, found)
    added = changed = 0
    for row, contact in zip(rows, found, strict=True):
        agency = agencies.get(row.agency) or agencies.setdefault(row.agency, Agency(id=new_id(), name=row.agency, kind=row.kind))
        agency.kind = row.kind
        session.add(agency)
        session.flush()
        one = contact or Contact(id=new_id())
        added, changed = added + (contact is None), changed + (contact is not None)
        one.agency_id = agency.id
        call(deployment, one, row.number)
        fill(deployment, one, row)
        session.add(one)
    session.flush()
    audit.record(session, now, actor=actor, action="directory.imported", subject="directory", added=added, changed=changed)
    return Changes(added, changed)


def write(session: Session, deployment: Deployment, now: datetime, *, actor: str) -> str:
    """Return the whole directory as a sheet, and put on record that somebody has it."""
    contacts = session.scalars(select(Contact).order_by(Contact.name)).unique().all()
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, COLUMNS)
    writer.writeheader()
    for one in contacts:
        writer.writerow({name: _harmless(value) for name, value in cells(deployment, one).items()})
    audit.record(session, now, actor=actor, action="directory.exported", subject="directory", contacts=len(contacts))
    return sheet.getvalue()


def duties(line: str) -> list[Duty]:
    """Read weekly hours such as "mon-fri 08:00-17:00" or "sat 22:00-06:00". Raises ValueError for days or times that are none."""
    days, _, hours = line.strip().lower().partition(" ")
    first, _, last = days.partition("-")
    start, _, end = hours.strip().partition("-")
    begin, finish = DAYS.index(first), DAYS.index(last or first)
    span = range(begin, finish + 1) if begin <= finish else (*range(begin, 7), *range(finish + 1))
    return [Duty(weekday=day, start=_minutes(start), end=_minutes(end)) for day in span]


def spans(held: Sequence[Duty]) -> Iterator[str]:
    """Yield duty hours as `duties` reads them: days that follow each other and have the same hours as one span."""
    by_hours: dict[tuple[int, int], list[int]] = {}
    for duty in sorted(held, key=lambda one: (one.start, one.weekday)):
        by_hours.setdefault((duty.start, duty.end), []).append(duty.weekday)
    for (start, end), days in by_hours.items():
        clock = "-".join(f"{minutes // 60:02}:{minutes % 60:02}" for minutes in (start, end))
        for first, last in _runs(days):
            yield f"{DAYS[first]}-{DAYS[last]} {clock}" if first != last else f"{DAYS[first]} {clock}"


def _runs(days: Sequence[int]) -> Iterator[tuple[int, int]]:
    first = last = days[0]
    for day in days[1:]:
        if day != last + 1:
            yield first, last
            first = day
        last = day
    yield first, last


def _minutes(clock: str) -> int:
    hour, _, minute = clock.partition(":")
    minutes = int(hour) * 60 + int(minute)
    if not 0 <= minutes <= MINUTES_OF_DAY or not 0 <= int(minute) < 60:
        raise ValueError("no time of day")
    return minutes


def _row(number: int, cells: Mapping[str, str], deployment: Deployment) -> tuple[Row | None, list[Fault]]:
    faults = [Fault(number, name, "This must not be empty.") for name in NEEDED if not cells.get(name)]
    if not any(cells.get(way) for way in WAYS):
        faults.append(Fault(number, "number", "A number, an e-mail address or a webhook: one of them must be there."))
    if cells.get("last_resort", "").lower() == "yes" and (not cells.get("number") or cells.get("abroad", "").lower() == "yes"):
        faults.append(Fault(number, "last_resort", "A last resort is woken: it needs a phone, in this country."))
    read_: dict[str, object] = {}
    for name in COLUMNS:
        try:
            read_[name] = _cell(name, cells.get(name, ""), deployment)
        except _Wrong as wrong:
            faults.append(Fault(number, name, str(wrong)))
    if faults:
        return None, faults
    read_["active"] = read_["active"] and (bool(cells.get("active")) or not read_["abroad"])  # abroad is switched on by a person
    return Row(**read_), []  # type: ignore[arg-type]


def _cell(name: str, value: str, deployment: Deployment) -> object:  # noqa: PLR0911  one answer for each kind of cell
    if name in ("areas", "categories", "aliases"):
        return tuple(_parts(value))
    if name == "hours":
        return _hours(value)
    if name in ("minors", "active", "last_resort", "rests_on_holidays", "crossings", "abroad"):
        return _yes(value, otherwise=name in ("minors", "active", "crossings"))
    if name == "tier":
        return _one_of(Tier, value or Tier.DUTY)
    if name == "number":
        return _number(value, deployment)
    if name == "verified":
        return _day(value)
    if name in ("email", "webhook"):
        return _beside(name, value)
    if name == "language" and value and value not in deployment.words.languages:
        raise _Wrong(f"No such language; there are {', '.join(deployment.words.languages)}.")
    return value or None if name in ("station", "badge") else value


def _hours(value: str) -> tuple[str, ...]:
    lines = tuple(_parts(value))
    try:
        spans = [(duty.weekday, duty.start) for line in lines for duty in duties(line)]
    except ValueError:
        raise _Wrong("Hours are days and times, as mon-fri 08:00-17:00; several are parted by ;") from None
    if len(set(spans)) != len(spans):
        raise _Wrong("Two spans begin at the same hour of the same day.")
    return lines


def _yes(value: str, *, otherwise: bool) -> bool:
    if value.lower() not in (*YES_OR_NO, ""):
        raise _Wrong("This is yes or no.")
    return YES_OR_NO.get(value.lower(), otherwise)


def _one_of(kind: type[Tier], value: str) -> Tier:
    try:
        return kind(value.lower())
    except ValueError:
        raise _Wrong(f"This is one of {', '.join(kind)}.") from None


def _number(value: str, deployment: Deployment) -> str | None:
    if not value:
        return None
    found = deployment.sender(value)
    if not found.reachable:
        raise _Wrong("This is no phone number that can be texted.")
    return found.address


def _beside(name: str, value: str) -> str | None:
    if name == "email" and value and not ADDRESS.fullmatch(value):
        raise _Wrong("This is no e-mail address.")
    if name == "webhook" and value and taken_apart(value) is None:
        raise _Wrong("This is an address that begins with https://, without a password or a #.")
    return value or None


def _day(value: str) -> date | None:
    try:
        day = date.fromisoformat(value) if value else None
    except ValueError:
        raise _Wrong("A day is written 2026-11-28.") from None
    if day and day > datetime.now(UTC).date():
        raise _Wrong("This day has not come yet.")
    return day


def _parts(value: str) -> Iterator[str]:
    return (part for one in value.split(";") if (part := one.strip()))


def _plain(value: str) -> str:
    return value.strip().removeprefix("'").strip()


def _harmless(value: str) -> str:
    return f"'{value}" if value.startswith(FORMULA) else value


def _keep_a_last_resort(people: Iterable[Contact], rows: Sequence[Row], found: Sequence[Contact | None]) -> None:
    told = {one.id for one in found if one}
    kept = [one for one in people if one.last_resort and one.active and one.id not in told]
    if not kept and not any(row.last_resort and row.active for row in rows):
        raise Refused([Fault(1, "last_resort", "Somebody must be the last resort: no active contact would be one.")])


def _found(people: Sequence[Contact], rows: Sequence[Row], deployment: Deployment) -> list[Contact | None]:
    """Return whom each row is about: by the number, else by agency and name. Who had no number may get one so. Raises Refused."""
    by_number = {one.number_index: one for one in people if one.number_index}
    by_name: dict[tuple[str, str], list[Contact]] = {}
    for one in people:
        by_name.setdefault((one.agency.name, one.name), []).append(one)
    found: list[Contact | None] = []
    for row in rows:
        named = [one for one in by_name.get((row.agency, row.name), ()) if one.number_sealed is None or not row.number]
        same = by_number.get(deployment.number_index(row.number)) if row.number else None
        if same is None and len(named) > 1:
            raise Refused([Fault(1, "name", f"{row.agency} has two contacts called {row.name}: write their numbers.")])
        found.append(same or next(iter(named), None))
    return found


def call(deployment: Deployment, contact: Contact, number: str | None) -> None:
    """Give a contact a number; one that is new has been verified by nobody. Without one, the number there is stays."""
    index = deployment.number_index(number) if number else None
    if number is None or contact.number_index == index:
        return
    contact.number_index, contact.verified_at = index, None
    contact.number_sealed = deployment.keyring.fields.seal_text(number, f"contact|number|{contact.id}")
    contact.test_code = contact.tested_at = contact.test_answered_at = None


def fill(deployment: Deployment, contact: Contact, row: Row) -> None:
    """Write a row over a contact; agency and number are the caller's matter."""
    seal = deployment.keyring.fields.seal_text
    contact.mail_sealed = seal(row.email, f"contact|mail|{contact.id}") if row.email else None
    contact.webhook_sealed = seal(row.webhook, f"contact|webhook|{contact.id}") if row.webhook else None
    contact.name, contact.language, contact.tier, contact.minors = row.name, row.language, row.tier, row.minors
    contact.areas, contact.categories, contact.aliases = list(row.areas), list(row.categories), list(row.aliases)
    contact.last_resort, contact.active, contact.rests_on_holidays = row.last_resort, row.active, row.rests_on_holidays
    contact.crossings, contact.abroad = row.crossings, row.abroad
    contact.station, contact.badge = row.station, row.badge
    contact.verified_at = datetime(row.verified.year, row.verified.month, row.verified.day, tzinfo=UTC) if row.verified else None
    kept = {(duty.weekday, duty.start): duty for duty in contact.duties}
    wanted = [duty for line in row.hours for duty in duties(line)]
    contact.duties = [kept.get((duty.weekday, duty.start), duty) for duty in wanted]
    for duty, meant in zip(contact.duties, wanted, strict=True):
        duty.end = meant.end


def cells(deployment: Deployment, one: Contact) -> dict[str, str]:
    """Return a contact as a row of the sheet, the number in clear."""
    open_text = deployment.keyring.fields.open_text
    return {
        "agency": one.agency.name,
        "kind": one.agency.kind,
        "name": one.name,
        "number": open_text(one.number_sealed, f"contact|number|{one.id}") if one.number_sealed else "",
        "language": one.language,
        "tier": one.tier,
        "areas": ";".join(one.areas),
        "categories": ";".join(one.categories),
        "hours": ";".join(spans(one.duties)),
        "minors": "yes" if one.minors else "no",
        "last_resort": "yes" if one.last_resort else "no",
        "station": one.station or "",
        "aliases": ";".join(one.aliases),
        "badge": one.badge or "",
        "verified": f"{one.verified_at:%Y-%m-%d}" if one.verified_at else "",
        "active": "yes" if one.active else "no",
        "rests_on_holidays": "yes" if one.rests_on_holidays else "no",
        "email": open_text(one.mail_sealed, f"contact|mail|{one.id}") if one.mail_sealed else "",
        "webhook": open_text(one.webhook_sealed, f"contact|webhook|{one.id}") if one.webhook_sealed else "",
        "crossings": "yes" if one.crossings else "no",
        "abroad": "yes" if one.abroad else "no",
    }
