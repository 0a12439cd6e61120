"""Prompts: what callers hear, in which language, and what a person must still record. Voices are invented."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from hotline.app import prompts as served
from hotline.catalog import shipped
from hotline.cli import main
from hotline.deployment import Deployment
from hotline.intake.ussd.tree import LANGUAGES
from hotline.intake.voice import recorded
from hotline.intake.voice.prompts import Prompts
from hotline.intake.voice.tree import GATE, LANGUAGE, PROMPTS, STOPS
from hotline.recordings import Unfit
from hotline.sound import RATE, as_wav, decoded, disguise, pitch, seconds
from tests.voices import said_aloud

NAMES = {"cover": "IJWI", "tips": "7788", "radio": "7799", "ussd": "*778#"}
ENGLISH = frozenset({"en"})


@pytest.fixture
def shelf(tmp_path: Path) -> Prompts:
    return Prompts(tmp_path, shipped().with_deployment(**NAMES), "https://hooks.example.org")


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    file = tmp_path / "voice.wav"
    file.write_bytes(said_aloud())
    return file


def test_without_a_recording_the_gateway_speaks_what_it_can_and_offers_nothing_else(shelf: Prompts) -> None:
    assert shelf.fluent(ENGLISH) == ("en",)
    (gate,) = shelf.page(STOPS[GATE], "rw", ENGLISH)
    assert (gate.language, gate.audio) == ("en", ""), "silence would be no gate"
    assert [one.words for one in shelf.page(STOPS[LANGUAGE], "rw", ENGLISH)] == ["For English, press 5."]


def test_a_language_is_offered_once_all_of_it_can_be_heard(shelf: Prompts, voice: Path) -> None:
    for name in PROMPTS:
        assert shelf.fluent(ENGLISH) == ("en",)
        recorded.take(shelf, "rw", name, voice)
        shelf._looked = 0.0
    assert shelf.fluent(ENGLISH) == ("rw", "en")
    (gate,) = shelf.page(STOPS[GATE], "rw", ENGLISH)
    assert gate.audio.startswith("https://hooks.example.org/prompts/")
    assert gate.audio.endswith("/rw/gate.wav")


def test_a_recording_whose_words_have_changed_is_not_played(shelf: Prompts, voice: Path, tmp_path: Path) -> None:
    recorded.take(shelf, "en", "gate", voice)
    assert shelf.audio("gate", "en")
    renamed = Prompts(tmp_path, shipped().with_deployment(**NAMES | {"cover": "AMAHORO"}), "")
    assert renamed.audio("gate", "en") is None, "it says another name"
    english = [one for one in recorded.wanted(renamed) if one.language == "en"]
    assert [one.name for one in english] == list(PROMPTS)
    assert [one.name for one in english if one.again] == ["gate"], "somebody has to record it again"


def test_what_a_person_must_record_is_listed_and_a_draft_does_not_count(shelf: Prompts, voice: Path) -> None:
    everything = [(language, name) for language in LANGUAGES for name in PROMPTS]
    assert [(one.language, one.name) for one in recorded.wanted(shelf)] == everything
    recorded.take(shelf, "fr", "bye", voice)
    shelf._looked = 0.0
    assert [(one.language, one.name) for one in recorded.wanted(shelf)] == [one for one in everything if one != ("fr", "bye")]


@pytest.mark.parametrize(
    ("sound", "why"),
    [
        (b"no sound", "neither WAV nor MP3"),
        (said_aloud(13.0), "13.0 seconds"),
        (said_aloud(0.2), "0.2 seconds"),
        (as_wav(decoded(said_aloud()) * 0.01), "silent"),
    ],
)
def test_what_cannot_be_a_prompt_is_refused_with_the_reason(shelf: Prompts, tmp_path: Path, sound: bytes, why: str) -> None:
    (tmp_path / "x.wav").write_bytes(sound)
    with pytest.raises(Unfit, match=why):
        recorded.take(shelf, "rw", "gate", tmp_path / "x.wav")
    assert shelf.audio("gate", "rw") is None


def test_a_prompt_is_served_under_its_content_s_address_alone(deployment: Deployment, voice: Path) -> None:
    from flask import Flask  # noqa: PLC0415  the rest needs none

    shelf = Prompts(deployment.settings.instance, deployment.words, "")
    recorded.take(shelf, "en", "gate", voice)
    found = shelf.audio("gate", "en")
    assert found
    app = Flask("served", static_folder=None)
    served.install(app, deployment)
    client = app.test_client()
    answer = client.get(f"/prompts/{found.digest}/en/gate.wav")
    assert (answer.status_code, answer.content_type) == (200, "audio/wav")
    assert seconds(decoded(answer.data)) == pytest.approx(1.5)
    answer.close()
    for path in (
        "0/en/gate.wav",
        f"{found.digest}/rw/gate.wav",
        f"{found.digest}/en/..%2f..%2fgate.wav",
        f"{found.digest}/en/keys.wav",
    ):
        assert client.get(f"/prompts/{path}").status_code == 404


def test_the_command_lists_records_and_says_what_is_wrong(
    deployment: Deployment, voice: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOTLINE_INSTANCE", str(deployment.settings.instance))
    run = CliRunner().invoke
    listed = run(main, ["prompts", "list", "--language", "rw"])
    assert f"{len(PROMPTS)} of {len(PROMPTS)} prompts wait" in listed.output
    assert "silent" in listed.output
    assert run(main, ["prompts", "record", "rw", "gate", str(voice)]).output.startswith("rw/gate: 1.5 seconds")
    assert f"{len(PROMPTS) - 1} of {len(PROMPTS)}" in run(main, ["prompts", "list", "--language", "rw"]).output
    voice.write_bytes(b"no sound")
    refused = run(main, ["prompts", "record", "rw", "gate", str(voice)])
    assert refused.exit_code == 1
    assert "neither WAV nor MP3" in refused.output


def test_drafts_are_made_where_a_machine_speaks(shelf: Prompts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    speaker = tmp_path / "bin" / recorded.SPEAKER
    speaker.parent.mkdir()
    (tmp_path / "said.wav").write_bytes(said_aloud())
    speaker.write_text(f"#!/bin/sh\ncat {tmp_path / 'said.wav'}\n", encoding="utf-8")
    speaker.chmod(0o700)
    monkeypatch.setenv("PATH", str(speaker.parent), prepend=":")
    made = list(recorded.draft(shelf))
    assert {language for language, _, _ in made} == {"en", "fr", "sw"}
    assert len(made) == 3 * len(PROMPTS)
    shelf._looked = 0.0
    assert shelf.fluent(frozenset()) == ("sw", "fr", "en")
    assert {one.draft for one in recorded.wanted(shelf) if one.language == "sw"} == {True}
    assert {one.draft for one in recorded.wanted(shelf) if one.language in ("rw", "rn")} == {False}, "silent until recorded"


@pytest.mark.parametrize("deep", [95.0, 120.0, 190.0, 240.0])
def test_a_disguised_voice_is_another_and_lasts_as_long(deep: float) -> None:
    spoken = decoded(said_aloud(2.0, deep))
    heard = disguise(spoken)
    assert heard.size == spoken.size
    assert pitch(spoken) == pytest.approx(deep, rel=0.05)
    moved = pitch(heard) / pitch(spoken)
    assert abs(moved - 1) > 0.12, f"moved by {moved:.2f}"
    assert abs(float((heard**2).mean()) - float((spoken**2).mean())) < 0.2
    assert seconds(heard) == spoken.size / RATE
    assert not (disguise(spoken) == heard).all(), "each by a factor of its own"
