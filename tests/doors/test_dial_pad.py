"""The browser phones' dial pad: a network's session as phones know it, by a carrier that keeps what it is given."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
import time_machine

from hotline.deployment import Deployment
from hotline.simulator.dialling import CODE, Dialling
from hotline.simulator.handsets import Handsets, Mood
from hotline.simulator.send import Exchange

PHONE = "+250 780 000 101"
ADDRESS = "+250780000101"


@dataclass
class Edge:
    """The network's edge: answers hops with what it is told to, and keeps hops and ends."""

    pages: list[bytes] = field(default_factory=list)
    hops: list[tuple[str, str, str]] = field(default_factory=list)
    ends: list[tuple[str, str]] = field(default_factory=list)
    status: int | None = 200

    def hop(self, session: str, sender: str, text: str) -> Exchange:
        self.hops.append((session, sender, text))
        page = self.pages.pop(0) if self.pages else b"CON Hello\n1 Yes\n0 Exit"
        return Exchange(session, "", {}, b"", self.status, "", {}, page, 0.0)

    def hops_end(self, session: str, sender: str, text: str, status: str) -> Exchange:
        assert sender == ADDRESS
        self.ends.append((text, status))
        return Exchange(session, "", {}, b"", 200, "", {}, b"", 0.0)


@pytest.fixture
def edge() -> Edge:
    return Edge()


@pytest.fixture
def pad(deployment: Deployment, edge: Edge) -> Dialling:
    return Dialling(Handsets(deployment), edge)  # type: ignore[arg-type]  # the edge stands where the network would be


def texts(edge: Edge) -> list[str]:
    return [text for _, _, text in edge.hops]


def test_what_is_typed_is_joined_by_stars_and_the_session_keeps_its_name(pad: Dialling, edge: Edge) -> None:
    pad.dial(PHONE, "*778#")
    pad.answer(PHONE, "1")
    pad.answer(PHONE, "BUG")
    assert texts(edge) == ["", "1", "1*BUG"]
    assert len({session for session, _, _ in edge.hops}) == 1
    assert {sender for _, sender, _ in edge.hops} == {ADDRESS}
    session = pad.session(PHONE)
    assert session
    assert (session.shown, session.length, session.over) == ("Hello\n1 Yes\n0 Exit", 18, "")


@pytest.mark.parametrize(("dialled", "first"), [("*778#", ""), ("*778*1#", "1"), ("*778*1*4*1#", "1*4*1")])
def test_a_code_may_carry_answers(pad: Dialling, edge: Edge, dialled: str, first: str) -> None:
    assert CODE.fullmatch(dialled)
    pad.dial(PHONE, dialled)
    assert texts(edge) == [first]


def test_another_code_is_not_ours(pad: Dialling, edge: Edge) -> None:
    pad.dial(PHONE, "*7781#")
    session = pad.session(PHONE)
    assert session
    assert (session.over, edge.hops) == ("code", [])


@pytest.mark.parametrize(
    ("page", "over", "status"),
    [(b"END Bye", "end", "Success"), (b"Bye", "failed", "Failed"), (b"", "failed", "Failed"), (b" CON x", "failed", "Failed")],
)
def test_each_end_is_told_as_the_network_tells_it(pad: Dialling, edge: Edge, page: bytes, over: str, status: str) -> None:
    edge.pages = [page]
    pad.dial(PHONE, "*778*1#")
    session = pad.session(PHONE)
    assert session
    assert (session.over, edge.ends) == (over, [("1", status)])
    pad.answer(PHONE, "1")
    assert texts(edge) == ["1"], "nothing can be answered any more"
    pad.drop(PHONE)
    assert pad.session(PHONE) is None
    assert len(edge.ends) == 1


def test_hanging_up_and_dialling_again_leave_the_session_incomplete(pad: Dialling, edge: Edge) -> None:
    pad.dial(PHONE, "*778*1#")
    pad.dial(PHONE, "*778#")
    pad.drop(PHONE)
    assert edge.ends == [("1", "Incomplete"), ("", "Incomplete")]


def test_after_three_minutes_the_network_ends_it(pad: Dialling, edge: Edge) -> None:
    pad.dial(PHONE, "*778#")
    session = pad.session(PHONE)
    assert session
    with time_machine.travel(session.until + timedelta(seconds=1)):
        late = pad.session(PHONE)
    assert late
    assert (late.over, edge.ends) == ("late", [("", "Incomplete")])


def test_a_network_that_trims_at_160_cuts_a_page_that_is_longer(pad: Dialling, edge: Edge) -> None:
    pad._handsets.switch(PHONE, Mood.TRIMS)
    edge.pages = [b"CON " + b"a" * 160 + b"b"]
    pad.dial(PHONE, "*778#")
    session = pad.session(PHONE)
    assert session
    assert session.shown == "a" * 160


def test_a_network_that_delivers_twice_repeats_the_hop_and_a_phone_that_is_off_sends_none(
    pad: Dialling, edge: Edge, deployment: Deployment
) -> None:
    handsets = pad._handsets
    assert handsets.deployment is deployment
    handsets.switch(PHONE, Mood.TWICE)
    pad.dial(PHONE, "*778*1#")
    assert texts(edge) == ["1", "1"]
    handsets.switch(PHONE, Mood.OFF)
    pad.dial(PHONE, "*778#")
    session = pad.session(PHONE)
    assert session
    assert (session.over, len(edge.hops)) == ("signal", 2)
