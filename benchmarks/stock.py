"""Fills a database with old reports, to see whether anything on the path grows with what is stored.

Rows are made by the database itself and hold no real ciphertext; they have the sizes, keys and index entries of real ones.
"""

import time

from sqlalchemy import Column, Integer, MetaData, String, Table, func, insert, select, text
from sqlalchemy.orm import Session

from hotline import handle
from hotline.db import Database
from hotline.models import Case, CaseKey

CHUNK = 10_000
NAMES = Table("names", MetaData(), Column("i", Integer, primary_key=True), Column("handle", String))
SQLITE = {
    "id": "printf('%s%020x', :tag, i)",
    "blob": "zeroblob({})",
    "index": "CAST(printf('%016d', i) AS BLOB)",
    "at": "1790000000000000",
    "true": "1",
}
POSTGRESQL = {
    "id": ":tag || lpad(to_hex(i), 20, '0')",
    "blob": "decode(repeat('00', {}), 'hex')",
    "index": "convert_to(lpad(i::text, 16, '0'), 'UTF8')",
    "at": "timestamptz '2026-09-21 12:00:00+00'",
    "true": "true",
}


def fill(database: Database, count: int) -> None:
    """Store old reports until there are `count` of them."""
    with database.reading() as session:
        have = session.scalar(select(func.count()).where(CaseKey.kid == "stock")) or 0
    tag = f"{time.time_ns() // 1_000_000:012x}"  # ids begin with their time, and today's are not purged
    words = SQLITE if database.sqlite else POSTGRESQL
    with database.transaction() as session:
        _name_cases(session, have, count)
        for statement in _statements(words):
            session.execute(text(statement), {"first": have, "last": count, **({"tag": tag} if ":tag" in statement else {})})
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("ANALYZE")


def _name_cases(session: Session, have: int, count: int) -> None:
    """Put real handles into a temporary table: new cases must meet as many taken handles as they would in earnest."""
    session.execute(text("CREATE TEMPORARY TABLE IF NOT EXISTS names (i INTEGER PRIMARY KEY, handle TEXT)"))
    taken = set(session.scalars(select(Case.handle)))
    for first in range(have, count, CHUNK):
        rows = []
        while len(rows) < min(CHUNK, count - first):
            if (drawn := handle.make()) not in taken:
                taken.add(drawn)
                rows.append({"i": first + len(rows) + 1, "handle": drawn})
        session.connection().execute(insert(NAMES), rows)


def _statements(w: dict[str, str]) -> list[str]:
    numbers = "WITH RECURSIVE n(i) AS (SELECT :first + 1 UNION ALL SELECT i + 1 FROM n WHERE i < :last) "
    some = "FROM n WHERE :first < :last"
    rows = {
        "inbox(id, gateway, kind, external_id, sealed, received_at, state, attempts)":
            f"{w['id']}, 'stock', 'sms', {w['id']}, {w['blob'].format(700)}, {w['at']}, 'done', 1",
        "caller(id, number_index, number_sealed, reachable, safe_contact, last_inbound_at, replies_today)":
            f"{w['id']}, {w['index']}, {w['blob'].format(45)}, {w['true']}, 'unknown', {w['at']}, 1",
        '"case"(id, token, handle, state, category, urgency, rank, minors, language, channel, opened_at, updated_at, closed_at, ladder_step, version)':
            f"{w['id']}, {w['id']}, (SELECT handle FROM names WHERE names.i = n.i), 'closed', 'trafficking', 'soon', 1, 'unknown', 'rw', 'sms', {w['at']}, {w['at']}, {w['at']}, 0, 0",
        "case_key(case_id, kid, wrapped)": f"{w['id']}, 'stock', {w['blob'].format(61)}",
        "report(id, case_id, caller_id, channel, gateway, opened_at, last_inbound_at)":
            f"{w['id']}, {w['id']}, {w['id']}, 'sms', 'twilio', {w['at']}, {w['at']}",
        "message(id, case_id, direction, kind, caller_id, sealed, gateway, state, created_at, attempts)":
            f"{w['id']}, {w['id']}, 'in', 'report', {w['id']}, {w['blob'].format(200)}, 'twilio', 'stored', {w['at']}, 0",
        "assessment(id, case_id, category, urgency, minors, rules_version, sealed, at)":
            f"{w['id']}, {w['id']}, 'trafficking', 'soon', 'unknown', 'stock', {w['blob'].format(900)}, {w['at']}",
    }  # fmt: skip
    return [f"INSERT INTO {table} {numbers} SELECT {values} {some}" for table, values in rows.items()]
