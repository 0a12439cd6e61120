"""Who can hold a browser phone: invented people who text, from `profiles.toml`, and the demo's invented contacts.

The contacts come from the same file as the directory they are told by, so that an alert always finds a phone.
"""

import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from hotline.demo import SHIPPED as DISTRICT

SHIPPED = Path(__file__).with_name("profiles.toml")


class Role(StrEnum):
    """Which end of the hotline a person is on."""

    REPORTER = "reporter"
    CONTACT = "contact"
    OFFICER = "officer"
    OWN = "own"


@dataclass(frozen=True)
class Profile:
    """One invented person. `key` stands in addresses where the number must not; `tries` are texts to start with."""

    key: str
    role: Role
    name: str
    number: str
    about: str = ""
    tries: tuple[str, ...] = ()


def shipped(reporters: Path = SHIPPED, district: Path = DISTRICT) -> tuple[Profile, ...]:
    """Return the invented people of the two files: who text, contacts, those told first of most cases foremost, and officers."""
    people = tomllib.loads(reporters.read_text(encoding="utf-8"))
    texting = [
        Profile(key, Role.REPORTER, entry["name"], entry["number"], entry["about"], tuple(entry["tries"]))
        for key, entry in people.items()
    ]
    story = tomllib.loads(district.read_text(encoding="utf-8"))
    contacts = sorted(
        (entry for agency in story["agency"] for entry in agency["contacts"]), key=lambda entry: "*" in entry["categories"]
    )
    told = [
        Profile(_key(entry["name"]), Role.CONTACT, entry["name"], entry["number"], entry.get("tier", "duty"))
        for entry in contacts
    ]
    desk = [
        Profile(entry["name"], Role.OFFICER, f"{entry['display_name']}, own phone", entry["phone"])
        for entry in story["officer"]
        if "phone" in entry
    ]
    return (*texting, *told, *desk)


def _key(name: str) -> str:
    return "-".join(re.findall(r"[a-z0-9]+", name.lower()))
