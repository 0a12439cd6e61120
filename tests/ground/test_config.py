"""Settings come from one place, say plainly what is wrong with them, and keep their secrets."""

from datetime import time
from pathlib import Path

import pytest

from hotline.config import LONGEST_SOCKET, Settings, child_environment, load

ENVIRONMENT = {
    "HOTLINE_WEB_PORT": "9000",
    "HOTLINE_TWILIO_AUTH_TOKENS": "current-token, former-token",
    "HOTLINE_LADDER_LIFE": "60:next,120:everyone",
    "HOTLINE_QUIET_FROM": "21:30",
    "HOTLINE_DEMO": "true",
    "HOTLINE_COVER": "",
    "HOTLINE_NOBODY_KNOWS": "1",
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No .env of the project reaches these tests."""
    monkeypatch.chdir(tmp_path)


def test_every_setting_has_a_sentence_of_help() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


def test_with_nothing_set_everything_works_on_this_machine_alone(tmp_path: Path) -> None:
    settings = load()
    assert settings.database == f"sqlite:///{tmp_path}/instance/hotline.db"
    assert settings.redis == f"unix://{tmp_path}/instance/redis.sock"
    assert (settings.web_host, settings.desk_host) == ("127.0.0.1", "127.0.0.1")
    assert not settings.demo
    assert settings.keys == Path("instance/keys")


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    settings = load()
    assert settings.web_port == 9000
    assert [token.get_secret_value() for token in settings.twilio_auth_tokens] == ["current-token", "former-token"]
    assert settings.ladder_life == ("60:next", "120:everyone")
    assert settings.quiet_from == time(21, 30)
    assert settings.demo
    assert settings.cover == "IJWI", "an empty variable is one that is not set"


def test_settings_are_read_from_a_file_and_the_environment_is_stronger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("HOTLINE_COVER=UMURAVA\nHOTLINE_DISTRICT=Nyamasheke\n")
    monkeypatch.setenv("HOTLINE_DISTRICT", "Rusizi")
    assert (load().cover, load().district) == ("UMURAVA", "Rusizi")


@pytest.mark.parametrize("name", ["DATABASE_URL", "HOTLINE_DATABASE_URL"])
@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_a_hosts_database_address_is_understood(monkeypatch: pytest.MonkeyPatch, name: str, scheme: str) -> None:
    monkeypatch.setenv(name, f"{scheme}://somebody:postgres@db.example.org/hotline")
    assert load().database == "postgresql+psycopg://somebody:postgres@db.example.org/hotline"


def test_our_own_variable_is_stronger_than_the_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://theirs.example.org")
    monkeypatch.setenv("HOTLINE_REDIS_URL", "redis://ours.example.org")
    assert load().redis == "redis://ours.example.org"


def test_a_socket_too_deep_down_moves_to_the_temporary_folder(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    here, there = load(instance=deep), load(instance=deep / "other")
    for settings in (here, there):
        assert len(bytes(settings.redis_socket)) < LONGEST_SOCKET
    assert here.redis_socket != there.redis_socket
    assert here.redis_socket == load(instance=deep).redis_socket


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOTLINE_WEB_PORT", "eight thousand"),
        ("HOTLINE_WEB_WORKERS", "0"),
        ("HOTLINE_MAX_BODY_KIB", "1"),
        ("HOTLINE_READ_TIMEOUT_SECONDS", "0"),
        ("HOTLINE_QUIET_FROM", "25:00"),
        ("HOTLINE_LADDER_LIFE", "300:next,soon:call"),
        ("HOTLINE_LADDER_LIFE", "300:shout"),
        ("HOTLINE_LADDER_LIFE", ","),
        ("HOTLINE_LADDER_NORMAL", "next"),
        ("HOTLINE_LADDER_NORMAL", "-5:next"),
    ],
)
def test_a_wrong_value_stops_the_start_with_a_sentence_that_names_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as stopped:
        load()
    assert str(stopped.value).startswith(name)


def test_a_secret_is_not_in_what_a_mistake_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_TWILIO_AUTH_TOKENS", "current-token")
    assert "current-token" not in repr(load())
    monkeypatch.setenv("HOTLINE_WEB_PORT", "x")
    with pytest.raises(SystemExit) as stopped:
        load()
    assert "current-token" not in str(stopped.value)


def test_the_instance_of_a_demo_stays_a_demo(tmp_path: Path) -> None:
    (tmp_path / "instance").mkdir()
    assert not load().demo
    (tmp_path / "instance" / "demo").touch()
    assert load().demo
    assert load(demo=False).demo, "invented people never become real ones"


def test_settings_do_not_change_while_we_run() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load().demo = True


def test_processes_we_start_see_what_we_chose(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOTLINE_WEB_PORT", "9000")
    given = child_environment(load(instance=Path("elsewhere"), desk_port=9001))
    assert given["HOTLINE_INSTANCE"] == str(tmp_path / "elsewhere")
    assert (given["HOTLINE_WEB_PORT"], given["HOTLINE_DESK_PORT"]) == ("9000", "9001")
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    again = load()
    assert (again.web_port, again.desk_port, again.instance) == (9000, 9001, tmp_path / "elsewhere")
