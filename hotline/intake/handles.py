"""Handles for new cases: drawn by chance, and looked up, so that no two cases are ever called alike."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotline import handle
from hotline.db import among
from hotline.models import Case, table

CASE = table(Case)


def unused(session: Session, count: int) -> list[str]:
    """Draw handles no case has. Of 33 million a million are soon in use, so a clash is an everyday thing."""
    free: set[str] = set()
    while len(free) < count:
        drawn = {handle.make() for _ in range(count - len(free))}
        free |= drawn - set(session.scalars(select(CASE.c.handle).where(among(session, CASE.c.handle, drawn))))
    return list(free)
