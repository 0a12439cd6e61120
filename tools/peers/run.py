"""A real Kannel and a real Jasmin carry texts both ways while the webhook listener is killed: `make peers`.

Installs nothing; says what is missing. Everything is on loopback, in folders of its own, and ends with the run. The settings of
both are read from docs/deploy-a-short-code.md. All numbers and words are invented.
"""

import argparse
import sys
import tempfile
import threading
import time
from pathlib import Path

import jasmin_ as jasmin
import kannel
from site_ import Site, note, until

from hotline.gateways.contract import Certainty, OutboundText

PATIENCE = 180.0


def carry(peer: object, texts: int, kills: int, hang: float) -> bool:
    """Let one peer carry texts both ways; returns whether all arrived."""
    name = peer.name  # type: ignore[attr-defined]
    with tempfile.TemporaryDirectory(prefix=f"peers-{name}-") as folder:
        site = Site(Path(folder) / "instance", **peer.settings())  # type: ignore[attr-defined]
        site.start()
        try:
            peer.start(Path(folder), site.deployment.shelf.get(name))  # type: ignore[attr-defined]
            return _carry(peer, site, texts, kills, hang)
        finally:
            peer.stop()  # type: ignore[attr-defined]
            site.kill()
            site.deployment.close()


def _carry(peer: object, site: Site, texts: int, kills: int, hang: float) -> bool:
    name, gateway = peer.name, site.deployment.shelf.get(peer.name)  # type: ignore[attr-defined]
    told = [f"Invented text {number:05d}" for number in range(texts)]
    ids = [f"out{number:05d}" for number in range(texts)]
    refused: list[object] = []

    def send() -> None:
        for start in range(0, texts, 25):
            batch = [
                OutboundText(one, f"+25078000{int(one[3:]):04d}", f"Invented answer {one}") for one in ids[start : start + 25]
            ]
            refused.extend(sent for sent in gateway.send(batch) if sent.certainty is not Certainty.ACCEPTED)
            time.sleep(0.4)

    began = time.monotonic()
    both = [threading.Thread(target=send), threading.Thread(target=peer.speak, args=(told,))]  # type: ignore[attr-defined]
    for thread in both:
        thread.start()
    for number in range(kills):
        time.sleep(2.5)
        site.kill(hang)
        note(f"{name}: listener killed, {number + 1} of {kills}")
        time.sleep(1.5)
        site.start()
    for thread in both:
        thread.join()
    try:
        until("texts in", lambda: set(site.texts(name)) >= set(told), PATIENCE)
        until("receipts", lambda: site.delivered(name) >= set(ids), PATIENCE)
    except TimeoutError as late:
        note(f"{name}: not all of the {late} within {PATIENCE:.0f} s")
    result = {"receipts before its restart": len(site.delivered(name) & set(ids)), **_restarted(peer, site, ids)}
    came, heard = site.texts(name), peer.heard()  # type: ignore[attr-defined]
    out = {f"Invented answer {one}" for one in ids}
    result |= {
        "in": len(set(came) & set(told)),
        "in twice": len(came) - len(set(came)),
        "out": len(set(heard) & out),
        "out twice": len(heard) - len(set(heard)),
        "receipts": len(site.delivered(name) & set(ids)),
        "not accepted": len(refused),
        "kills": kills,
        "seconds": round(time.monotonic() - began),
    }
    print(f"{name}: of {texts} each way " + ", ".join(f"{what} {number}" for what, number in result.items()), flush=True)
    return result["in"] == result["out"] == result["receipts"] == texts


def _restarted(peer: object, site: Site, ids: list[str]) -> dict[str, object]:
    """Restart a peer that holds on to receipts, and wait for them. Returns what it held, where it can be asked."""
    if not hasattr(peer, "restart"):
        return {}
    stuck = sum(peer.stuck().values())
    peer.restart()
    try:
        until("receipts", lambda: site.delivered(peer.name) >= set(ids) and not peer.stuck(), PATIENCE)  # type: ignore[attr-defined]
    except TimeoutError:
        note("receipts are missing after the restart, too")
    return {"stuck before its restart": stuck, "stuck after it": sum(peer.stuck().values())}


def main() -> int:
    """Run what was asked for; exit code 1 when a text is missing, 2 when a program is."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("peers", nargs="*", default=["kannel", "jasmin"])
    asked.add_argument("--texts", type=int, default=1000)
    asked.add_argument("--kills", type=int, default=5)
    asked.add_argument("--hang", type=float, default=0, help="seconds for which the listener hangs before each kill")
    asked.add_argument("--jasmin", type=Path, default=Path(".venv-jasmin"), help="virtual environment with the package jasmin")
    chosen = asked.parse_args()
    there = {"kannel": kannel.Kannel(), "jasmin": jasmin.Jasmin(chosen.jasmin)}
    missing = [f"{name}: {what}" for name in chosen.peers for what in there[name].missing()]
    if missing:
        print("missing:\n  " + "\n  ".join(missing), file=sys.stderr)
        return 2
    return 0 if all([carry(there[name], chosen.texts, chosen.kills, chosen.hang) for name in chosen.peers]) else 1


if __name__ == "__main__":
    sys.exit(main())
