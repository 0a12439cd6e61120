"""Sessions of the dialled code: where each stands while it lasts, and no word of what it told."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from hotline.models.base import Base


class DialledSession(Base):
    """One session, by a keyed hash of the network's id of it. `sealed` is where it stands; removed minutes after its last hop.

    `stopped` says that the person has stopped it: what it told is deleted, and whatever of it still comes is not read. So does a
    call's keyed hash here, in which somebody did nothing but join a list or leave them all.
    """

    __tablename__ = "dialled_session"

    id: Mapped[str] = mapped_column(primary_key=True)
    sealed: Mapped[bytes]
    stopped: Mapped[bool]
    at: Mapped[datetime] = mapped_column(index=True)
