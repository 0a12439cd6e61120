"""Striking off under contention, on each database. All people are invented."""

import threading

from sqlalchemy import select

from hotline import officers, team
from hotline.deployment import Deployment
from hotline.models import Officer
from hotline.roles import Role

PASSWORD = "a long invented password"


def test_two_administrators_cannot_remove_each_other(deployment: Deployment) -> None:
    for round_ in range(5):
        pair = (f"a{round_}", f"b{round_}")
        with deployment.db.transaction() as session:
            for name in pair:
                officers.enrol(session, deployment, name=name, display_name=name, role=Role.ADMIN, password=PASSWORD)
        together, stayed = threading.Barrier(2), []

        def strike(by: str, whom: str, together: threading.Barrier = together, stayed: list[str] = stayed) -> None:
            together.wait()
            try:
                with deployment.db.transaction() as session:
                    one, other = (session.scalars(select(Officer).where(Officer.name == name)).one() for name in (by, whom))
                    team.strike_off(session, other, by=one, now=deployment.db.now(session))
            except team.LastAdministrator:
                stayed.append(whom)

        both = [threading.Thread(target=strike, args=names) for names in (pair, pair[::-1])]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
        assert len(stayed) == 1
        with deployment.db.transaction() as session:
            left = session.scalars(select(Officer).where(Officer.role == Role.ADMIN, Officer.active)).all()
            assert [one.name for one in left] == stayed
            left[0].active = False
