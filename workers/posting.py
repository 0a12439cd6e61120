"""Posting: keeps a lane's parcels on their way, several at a time, so that one that hangs delays no other and no next claim."""

import logging
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Self

from sqlalchemy.exc import OperationalError

from hotline.deployment import Deployment
from hotline.gateways.contract import Certainty, Sent
from hotline.models import Lane
from hotline.outbound import calls, claiming
from hotline.outbound import deliver as delivery
from hotline.outbound.deliver import Parcel
from hotline.outbound.pace import pace

log = logging.getLogger(__name__)

AT_ONCE = calls.SIDE_BY_SIDE
PATIENCE = 1.0
POLL = 0.05
PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)


class Post:
    """One lane's parcels. Leaving the block waits for those still under way, which a gateway's time-outs bound."""

    def __init__(self, site: Deployment, lane: Lane) -> None:
        self._site, self._lane = site, lane
        self._pool = ThreadPoolExecutor(AT_ONCE, "parcel")
        self._callers = ThreadPoolExecutor(calls.AT_ONCE * AT_ONCE, "call")
        self._under_way: set[Future[None]] = set()
        self._most = max(1, AT_ONCE // claiming.MANY) if lane is Lane.BULK else AT_ONCE  # larger parcels, and as many texts

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._pool.shutdown()
        self._callers.shutdown()
        if kind is None:
            self._collect()

    def batch(self) -> int:
        """Claim one batch, send it and wait a moment for it. Returns how many messages there were or are still under way."""
        self._collect()
        if len(self._under_way) >= self._most:
            wait(self._under_way, PATIENCE, FIRST_COMPLETED)
            return len(self._under_way)
        parcel = self._taken()
        if parcel is None or not parcel.rows:
            wait(self._under_way, POLL, FIRST_COMPLETED)
            return len(self._under_way)
        mine = self._pool.submit(self._carry, parcel)
        self._under_way.add(mine)
        if self._lane is not Lane.BULK or len(parcel.rows) < claiming.batch(self._site.settings, self._lane):
            wait([mine], PATIENCE)  # a broadcast has the next parcel ready, and nobody of it is in a hurry
        self._collect()
        return len(parcel.rows)

    def _collect(self) -> None:
        """Forget what is done; raises what went wrong with it, such as a database that is away."""
        done = {future for future in self._under_way if future.done()}
        self._under_way -= done
        for future in done:
            future.result()

    def _taken(self) -> Parcel | None:
        site, lane = self._site, self._lane
        with site.db.reading() as session:
            now = site.db.now(session)
            if not delivery.waiting(session, site, lane, now):
                return None
            wanted = claiming.wanted(session, site, lane, now) if site.settings.gateway_rates else {}
        room = pace(site.settings.redis, tuple(site.settings.rates.items())).room(lane, wanted) if wanted else {}
        with site.db.transaction() as session:
            return delivery.take(session, site, lane, site.db.now(session), room)

    def _settle(self, parcel: Parcel, outcomes: Sequence[Sent]) -> None:
        """Write down what is known; a database that is away for a moment must not make sent texts doubtful."""
        for pause in (*PAUSES, None):
            try:
                with self._site.db.transaction() as session:
                    delivery.settle(session, self._site, parcel, outcomes, self._site.db.now(session))
            except OperationalError:
                if pause is None:
                    raise
                time.sleep(pause)
            else:
                return

    def _carry(self, parcel: Parcel) -> None:
        site, accepted = self._site, 0
        with delivery.keeping(site, parcel):
            for outcomes in calls.outcomes(site, parcel, self._callers):
                self._settle(parcel, outcomes)
                accepted += sum(sent.certainty is Certainty.ACCEPTED for sent in outcomes)
        log.info("delivered", extra={"lane": str(self._lane), "count": len(parcel.rows), "accepted": accepted})
