"""Broadcasts under test: lists filled with invented people, a broadcast brought on its way, and its rows."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import RowMapping, insert

from hotline.broadcasts import campaign
from hotline.broadcasts.audience import Audience
from hotline.broadcasts.check import Found, dry_run
from hotline.broadcasts.making import finish
from hotline.deployment import Deployment
from hotline.models import Broadcast, BroadcastList, Message, Subscriber, new_id, table
from hotline.subscribers import Joining, enrol
from tests.line import Line

TUESDAY_MORNING = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)  # ten in Kigali
OFFER = "Offered a job far away? Keep your ID card. Ask us, free: dial {ussd}. No more texts: STOP"
TEXTS = {"en": OFFER, "rw": "Baguhaye akazi kure? Gumana indangamuntu. Tubaze: {ussd}. Guhagarika: STOP"}


def number(place: int) -> str:
    """An invented number, none of the directory's."""
    return f"+25078{place + 10_000:07}"


def fill(site: Deployment, keyword: str, numbers: Iterable[str], now: datetime, **more: str) -> str:
    """Make a list and put people on it; returns its id."""
    list_id = new_id()
    joining = [Joining(one, "a meeting (invented)", now, more.get("language"), more.get("sector")) for one in numbers]
    with site.db.transaction() as session:
        session.execute(insert(table(BroadcastList)).values(id=list_id, keyword=keyword, name=keyword, created_at=now))
    for at in range(0, len(joining), 1000):
        with site.db.transaction() as session:
            enrol(session, site, list_id, joining[at : at + 1000], now)
    return list_id


def check(site: Deployment, broadcast_id: str, now: datetime) -> Found:
    """Check a broadcast and keep what was found."""
    with site.db.reading() as session:
        row = campaign.get(session, broadcast_id)
        assert row is not None
        found = dry_run(session, site, row, now)
    with site.db.transaction() as session:
        campaign.checked(session, row, found, actor="jeanne", now=now)
    return found


@dataclass
class Casts:
    """A line with broadcasts."""

    line: Line

    @property
    def site(self) -> Deployment:
        return self.line.site

    @property
    def now(self) -> datetime:
        return self.line.now

    def people(self, keyword: str, count: int, start: int = 100, **more: str) -> list[str]:
        numbers = [number(place) for place in range(start, start + count)]
        fill(self.site, keyword, numbers, self.now, **more)
        return numbers

    def draft(self, *lists: str, author: str = "jeanne", texts: Mapping[str, str] = TEXTS, **more: object) -> str:
        audience = Audience(lists=lists, **more)  # type: ignore[arg-type]
        with self.site.db.transaction() as session:
            return campaign.create(session, name="Offers", texts=texts, audience=audience, author=author, now=self.now)

    def check(self, broadcast_id: str) -> Found:
        return check(self.site, broadcast_id, self.now)

    def send(self, broadcast_id: str, at: datetime | None = None) -> None:
        start(self.site, broadcast_id, self.now, at)

    def begin(self, *lists: str, **more: object) -> str:
        """Bring a broadcast on its way, without any worker yet."""
        made = self.draft(*lists, **more)  # type: ignore[arg-type]
        self.check(made)
        self.send(made)
        return made

    def tick(self, **span: float) -> None:
        """Let time pass and the clock see to broadcasts."""
        self.line.now += timedelta(**span)
        with self.site.db.transaction() as session:
            campaign.begin_due(session, self.site, self.now)
            finish(session, self.site, self.now)

    def row(self, broadcast_id: str) -> RowMapping:
        (found,) = self.line.rows(Broadcast, id=broadcast_id)
        return found

    def fates(self, broadcast_id: str) -> Counter[str]:
        return Counter(str(row["state"]) for row in self.line.rows(Message, broadcast_id=broadcast_id))

    def reached(self) -> Counter[str]:
        return Counter(text.to for text in self.line.sent)

    def subscriber(self, phone: str) -> RowMapping:
        (found,) = self.line.rows(Subscriber, number_index=self.site.number_index(phone))
        return found


def start(site: Deployment, broadcast_id: str, now: datetime, at: datetime | None = None) -> None:
    """Approve and schedule a checked broadcast, and let the clock begin it where it is due."""
    with site.db.transaction() as session:
        row = campaign.get(session, broadcast_id)
        assert row is not None
        campaign.approve(session, site, broadcast_id, actor="paul", typed=row["people"], now=now)
        campaign.schedule(session, site, broadcast_id, at or now, actor="paul", now=now)
        campaign.begin_due(session, site, now)
