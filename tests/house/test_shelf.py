"""Every gateway of the shelf is whole: one file, both directions, explained, with tables of real payloads, and able to refuse."""

import importlib
import inspect
from pathlib import Path

import pytest
from pydantic import SecretStr

from hotline.config import Settings
from hotline.gateways.contract import BESIDE, Forged, Gateway, Unreadable, Webhook
from hotline.gateways.shelf import GATEWAYS, ONE_WAY
from hotline.models import InboxKind
from hotline.privacy import Keyring
from tests.gateways.vendors import SETTINGS

HOUSE = Path(__file__).parents[2]
ACCOUNT = {"twilio_account_sid": "AC" + "0" * 32, "twilio_auth_tokens": ("invented",)}
PROMISED = sorted(name for name, member in vars(Gateway).items() if inspect.isfunction(member) and not name.startswith("_"))


@pytest.fixture
def shelf(tmp_path: Path) -> dict[str, Gateway]:
    """Every gateway there is, made with invented settings."""
    settings = Settings(instance=tmp_path, demo=True, **ACCOUNT, **SETTINGS, _env_file=None)
    keyring = Keyring(settings.keys)
    keyring.create_missing()
    made = {name: make(settings, keyring) for name, make in {**GATEWAYS, **ONE_WAY}.items()}
    assert all(made.values()), "a gateway this test has no settings for"
    return {name: gateway for name, gateway in made.items() if gateway is not None}


def test_the_contract_promises_both_directions() -> None:
    assert PROMISED == ["address", "answer", "external_id", "find", "lacking", "read_status", "read_text", "send", "verify"]


@pytest.mark.parametrize("name", sorted(GATEWAYS))
def test_a_gateway_is_one_file_named_after_it_with_its_payloads_in_a_table_of_tests(name: str) -> None:
    module = importlib.import_module(f"hotline.gateways.{name}")
    assert GATEWAYS[name] is module.make
    assert module.__doc__
    tables = list((HOUSE / "tests" / "gateways").glob(f"test_{name}*.py"))
    assert tables
    tested = "".join(table.read_text(encoding="utf-8") for table in tables)
    assert all(promise in tested for promise in ("read_text", "read_status", "send", "verify", "parametrize"))


@pytest.mark.parametrize("name", sorted({**GATEWAYS, **ONE_WAY}))
def test_a_gateway_keeps_every_promise_of_the_contract_and_explains_it(shelf: dict[str, Gateway], name: str) -> None:
    gateway = shelf[name]
    assert gateway.name == name
    assert bool(gateway.kinds) == bool(gateway.methods) == (name in GATEWAYS)
    assert gateway.kinds <= {str(kind) for kind in InboxKind}
    assert gateway.methods <= {"GET", "POST"}
    for promise in PROMISED:
        kept, asked = getattr(type(gateway), promise), getattr(Gateway, promise)
        assert list(inspect.signature(kept).parameters) == list(inspect.signature(asked).parameters), promise
        assert inspect.getdoc(kept), promise


@pytest.mark.parametrize("name", sorted({**GATEWAYS, **ONE_WAY}))
def test_a_gateway_names_every_secret_it_knows_so_that_no_log_shows_it(shelf: dict[str, Gateway], name: str) -> None:
    chosen = Settings(**ACCOUNT, **SETTINGS, _env_file=None)
    values = [getattr(chosen, field) for field in Settings.model_fields if field.startswith(f"{name}_")]
    flat = [one for value in values for one in (value if isinstance(value, tuple) else (value,))]
    assert {one.get_secret_value() for one in flat if isinstance(one, SecretStr)} <= set(shelf[name].secrets)
    for kind in shelf[name].kinds:
        kept = shelf[name].address(kind).partition("?")[0].partition(f"/{kind}/")[2]
        assert not kept or kept in shelf[name].secrets


@pytest.mark.parametrize("name", sorted(ONE_WAY))
def test_what_only_goes_out_takes_nothing_in(shelf: dict[str, Gateway], name: str) -> None:
    knock = Webhook("sms", f"/in/{name}/sms", {}, b"from=%2B250780000101&text=help")
    with pytest.raises(Forged):
        shelf[name].verify(knock)
    for read in (shelf[name].read_text, shelf[name].read_status):
        with pytest.raises(Unreadable):
            read(knock)


@pytest.mark.parametrize("name", sorted(GATEWAYS))
def test_a_gateway_refuses_what_is_not_signed_at_all(shelf: dict[str, Gateway], name: str) -> None:
    for kind in shelf[name].kinds:
        for body in (b"", b"id=1&from=%2B250780000101&text=help", b"\xff\x00", b"{}"):
            with pytest.raises(Forged):
                shelf[name].verify(Webhook(kind, f"/in/{name}/{kind}", {}, body))


def test_every_file_of_the_shelf_stands_on_it() -> None:
    files = {path.stem for path in (HOUSE / "hotline" / "gateways").glob("*.py")}
    calls = {f"{name}_{what}" for name in GATEWAYS for what in ("calls", "lists", "rings")} & files  # of a gateway that has them
    assert set(BESIDE) == set(ONE_WAY)
    assert (
        files - {"__init__", "bridging", "contract", "outward", "ringing", "shelf", "unsigned", "voice", "wire"}
        == set(GATEWAYS) | set(ONE_WAY) | calls
    )
