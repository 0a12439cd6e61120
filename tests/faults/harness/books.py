"""Reads what a run left behind into facts: rows with every seal opened, tries, and the gateway's own record."""

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from hotline.deployment import Deployment
from hotline.gateways.contract import Webhook
from hotline.models import Attempt, CaseKey, Direction, Inbox, InboxKind, Lane, Message, table
from hotline.outbound.compose import bound_to
from hotline.privacy import CannotOpen
from tests.faults.harness.facts import Accept, Acked, Act, Facts, Out, Row, Try

INBOX, MESSAGE, ATTEMPT, KEY = (table(model) for model in (Inbox, Message, Attempt, CaseKey))


def read(site: Deployment, store: str, acts: Iterable[Act], acked: Iterable[Acked], record: Path) -> Facts:
    """Return everything a run has to answer for."""
    last, accepts, heard = taken(record)
    receipts = {message: frozenset(heard[sid]) for message, sid in last.items() if sid in heard}
    return Facts(store, tuple(acts), tuple(acked), tuple(_rows(site)), tuple(_out(site)), tuple(accepts), receipts)


def _rows(site: Deployment) -> Iterable[Row]:
    told: dict[str, list[tuple[str | None, str | None]]] = defaultdict(list)
    columns = (MESSAGE.c.inbox_id, MESSAGE.c.id, MESSAGE.c.case_id, MESSAGE.c.sealed, KEY.c.wrapped)
    query = select(*columns).outerjoin(KEY, KEY.c.case_id == MESSAGE.c.case_id).where(MESSAGE.c.direction == Direction.IN)
    with site.db.reading() as session:
        for row in session.execute(query):
            told[row.inbox_id].append((_words(site, row.case_id, row.wrapped, row.sealed, row.id), row.case_id))
        texts = select(INBOX.c.id, INBOX.c.external_id, INBOX.c.state, INBOX.c.sealed).where(INBOX.c.kind == InboxKind.SMS)
        for row in session.execute(texts):
            made = told[row.id]
            case = made[0][1] if made else None
            yield Row(row.external_id, row.state, _body(site, row.id, row.sealed), tuple(words for words, _ in made), case)


def _words(site: Deployment, case_id: str | None, wrapped: bytes | None, sealed: bytes, message_id: str) -> str | None:
    try:
        key = site.keyring.case_key(case_id, wrapped) if case_id and wrapped else site.keyring.fields
        return key.open_text(sealed, bound_to(message_id))
    except CannotOpen:
        return None


def _body(site: Deployment, row_id: str, sealed: bytes) -> bytes | None:
    try:
        return Webhook.unpacked(site.opener.open(sealed, f"inbox|sealed|{row_id}")).body
    except CannotOpen:
        return None


def _out(site: Deployment) -> Iterable[Out]:
    tries: dict[str, list[Try]] = defaultdict(list)
    with site.db.reading() as session:
        for row in session.execute(select(ATTEMPT)).mappings():
            tries[row["message_id"]].append(Try(row["started_at"], row["ended_at"], row["result"]))
        for row in session.execute(select(MESSAGE).where(MESSAGE.c.direction == Direction.OUT)).mappings():
            yield Out(
                id=row["id"],
                kind=row["kind"],
                life=row["lane"] == Lane.LIFE,
                state=row["state"],
                case=row["case_id"],
                to=row["contact_id"] or row["caller_id"],
                created=row["created_at"],
                tries=tuple(tries[row["id"]]),
            )


def taken(record: Path) -> tuple[dict[str, str], list[Accept], dict[str, set[str]]]:
    """Return by which id each text went last, what was taken, and which callbacks about it were heard.

    News of an earlier try is overtaken by a later one, also by one that went through the other gateway, which gives no ids.
    """
    last: dict[str, str] = {}
    accepts: list[Accept] = []
    heard: dict[str, set[str]] = defaultdict(set)
    with record.open(encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            if line["kind"] == "callback" and line["heard"] == 200:
                heard[line["sid"]].add(line["status"])
            elif line["kind"] == "text" and line["taken"] and line.get("message"):
                last[line["message"]] = line.get("sid", "")
                accepts.append(Accept(line["message"], line["api"], datetime.fromtimestamp(line["at"], UTC)))
    return last, accepts, heard
