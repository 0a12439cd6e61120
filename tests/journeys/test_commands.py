"""What an operator types while the hotline runs, each command as a process of its own."""

import json
from pathlib import Path

import pytest
import urllib3

from tests.journeys.ledger import TEXTS, Post, invented, owed
from tests.journeys.running import Running, until

pytestmark = pytest.mark.processes

PASSWORD = "a long invented password"


def test_the_doctor_finds_everything_well_while_it_runs(running: Running) -> None:
    until(lambda: running.command("doctor").returncode == 0, 20, "the clock has gone round")
    lines = {line["what"]: line["health"] for line in json.loads(running.command("doctor", "--json").stdout)}
    assert {"redis", "clock", "worker intake", "worker life", "rota", "audit"} <= lines.keys()
    assert "broken" not in lines.values()


def test_a_replayed_file_is_stored_and_told_to_the_last_line(running: Running) -> None:
    replayed = running.command("sim", "replay", str(TEXTS), "--json")
    assert replayed.returncode == 0, replayed.stderr
    told = json.loads(replayed.stdout)
    assert told["texts"] == told["stored"] == told["triaged"] == 120
    assert told["told"] + told["desk"] == 120
    assert told["failed"] == told["unfinished"] == []
    assert told["told_seconds"]["p95"] >= told["told_seconds"]["p50"] > 0
    print(f"\n120 texts: told after p50 {told['told_seconds']['p50']} s, p95 {told['told_seconds']['p95']} s")  # noqa: T201  -s


def test_a_text_sent_from_the_command_line_stands_on_the_queue_without_its_words(running: Running) -> None:
    sent = running.command("sim", "sms", "--from", "+250785000077", "They locked six girls in a house in Bugarama")
    assert sent.returncode == 0
    assert sent.stdout.startswith("200 OK")
    post = Post(running.site)
    post.send(invented(1))
    until(lambda: not owed(running.site, post.sent), 10, "everything is told")
    queue = running.command("queue", "--json", "--limit", "500")
    assert queue.returncode == 0
    assert len(json.loads(queue.stdout)) >= 2
    assert "Bugarama" not in queue.stdout + running.command("queue").stdout


def test_a_forged_webhook_is_refused_kept_aside_and_still_forged_when_looked_at_again(running: Running) -> None:
    with urllib3.PoolManager(retries=False) as http:
        forged = http.request("POST", f"{running.web}/in/simulator/sms", fields={"id": "x", "from": "1", "text": "x"})
    assert forged.status == 403
    listed = running.command("quarantine", "ls")
    assert listed.returncode == 0
    assert "simulator sms: unsigned" in listed.stdout
    again = running.command("quarantine", "verify")
    assert again.returncode == 0
    assert "0 genuine" in again.stdout


def test_an_officer_is_added_once_and_only_with_a_long_password(running: Running) -> None:
    added = running.command("user", "add", "marie", "--role", "intake", said=f"{PASSWORD}\n{PASSWORD}\n")
    assert added.returncode == 0, added.stderr
    assert "otpauth://totp/" in added.stdout
    assert PASSWORD not in added.stdout
    assert running.command("user", "add", "jean", "--role", "intake", said="short\nshort\n").returncode != 0
    twice = running.command("user", "add", "marie", "--role", "intake", said=f"{PASSWORD}\n{PASSWORD}\n")
    assert twice.returncode != 0
    assert "Traceback" not in twice.stderr
    verified = running.command("audit", "verify")
    assert verified.returncode == 0
    assert "holds" in verified.stdout


def test_triage_explains_a_text_and_reads_a_file_without_a_hotline(tmp_path: Path) -> None:
    lone = Running(tmp_path)
    explained = lone.command("triage", "explain", "--json", "They locked six girls in a house and took their passports")
    assert explained.returncode == 0, explained.stderr
    found = json.loads(explained.stdout)
    assert found["urgency"] == "immediate"
    assert any("locked" in str(finding["words"]) for finding in found["findings"])
    out = tmp_path / "read.jsonl"
    predicted = lone.command("triage", "predict", str(TEXTS), "--out", str(out))
    assert predicted.returncode == 0, predicted.stderr
    ids = [json.loads(line)["id"] for line in out.read_text(encoding="utf-8").splitlines()]
    assert ids == [json.loads(line)["id"] for line in TEXTS.read_text(encoding="utf-8").splitlines()]
    assert not lone.instance.exists(), "asking triage makes nothing"
