"""One running deployment: its settings, database, keys, words, gateways and doorbell, opened once a process.

Doors, jobs and the command line open it and hand it to the stages. Open it after a fork: it holds connections.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from hotline import catalog
from hotline.config import Settings
from hotline.db import Database
from hotline.gateways.shelf import Shelf, stock
from hotline.log import hide
from hotline.phone import Sender, sender
from hotline.privacy import InboxOpener, Keyring
from hotline.queue import Bell, connect


@dataclass
class Deployment:
    """Everything a stage may need besides its session and the thing it works on."""

    settings: Settings

    @cached_property
    def db(self) -> Database:
        """The database."""
        return Database(self.settings.database)

    @cached_property
    def hurried_db(self) -> Database:
        """The database for who has a gateway waiting: it gives up in time."""
        return Database(self.settings.database, limit=self.settings.commit_wait_seconds)

    @cached_property
    def keyring(self) -> Keyring:
        """The keys, as files in the instance folder."""
        return Keyring(self.settings.keys)

    @cached_property
    def opener(self) -> InboxOpener:
        """The private half of the inbox seal. Workers and the command line ask for it, the web process never."""
        return self.keyring.inbox_opener()

    @cached_property
    def words(self) -> catalog.Catalog:
        """The words said to people, with this deployment's names and codes filled in."""
        chosen = self.settings
        return catalog.load(chosen.templates).with_deployment(
            cover=chosen.cover,
            tips=chosen.tips_code,
            radio=chosen.radio_code,
            ussd=chosen.ussd_code,
            language=chosen.default_language,
        )

    @cached_property
    def shelf(self) -> Shelf:
        """The gateways this deployment has settings for."""
        stocked = stock(self.settings, self.keyring)
        hide(stocked.secrets)
        return stocked

    @cached_property
    def bell(self) -> Bell:
        """The doorbell of the workers."""
        return Bell(connect(self.settings.redis))

    def preload(self) -> None:
        """Load what a process may share with those it forks: words, keys and gateways; nothing that holds a connection."""
        self.words, self.shelf, self.keyring.fields, self.opener  # noqa: B018  reading them loads them
        self.number_index("")

    def sender(self, raw: str) -> Sender:
        """Read a gateway's sender field with this deployment's region."""
        return sender(raw, self.settings.region)

    def number_index(self, address: str) -> bytes:
        """Return the blind index under which a sender or contact is found."""
        return self.keyring.blind_index("phone", address)

    def clue_index(self, kind: str, value: str) -> bytes:
        """Return the blind index under which a plate, a phone or another clue is found."""
        return self.keyring.blind_index(f"clue.{kind}", value)

    def clock(self) -> datetime:
        """Return this machine's time, for the doors: they keep what comes in also while the database and its clock are away."""
        return datetime.now(UTC)

    def local(self, moment: datetime) -> datetime:
        """Return a point in time on the deployment's wall clock."""
        return moment.astimezone(self.settings.zone)

    def close(self) -> None:
        """Close the connections that were opened."""
        for opened in ("db", "hurried_db"):
            if opened in self.__dict__:
                self.__dict__[opened].close()
        if "bell" in self.__dict__:
            self.bell.redis.close()
