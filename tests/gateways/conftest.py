"""A Twilio account whose REST API is the small Twilio on this machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hotline.config import Settings, load
from hotline.gateways.twilio import Twilio
from tests.fakes.gateway import FakeGateway
from tests.gateways.far_end import FarEnd, far_end


@pytest.fixture
def fake_twilio() -> Iterator[FakeGateway]:
    server = FakeGateway()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def account(tmp_path: Path) -> Settings:
    """Settings of an invented account, with time-outs a test can wait for."""
    return load(
        instance=tmp_path,
        public_url="https://hooks.example.org/",
        twilio_account_sid="AC" + "0" * 32,
        twilio_auth_tokens=("current-token", "former-token"),
        twilio_from="7788",
        connect_timeout_seconds=0.3,
        read_timeout_seconds=0.3,
        _env_file=None,
    )


@pytest.fixture
def twilio(account: Settings, fake_twilio: FakeGateway) -> Twilio:
    return Twilio(account.model_copy(update={"twilio_api_url": fake_twilio.url}))


@pytest.fixture
def far() -> Iterator[FarEnd]:
    """A gateway's server on this machine."""
    with far_end() as server:
        yield server
