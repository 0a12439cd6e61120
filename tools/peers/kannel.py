"""A real Kannel with its own fake SMSC, and the phones behind it: lines of text on a socket, as Kannel's fake type speaks."""

import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path
from urllib.parse import unquote_to_bytes

from site_ import block, free_port, listens, note, until

from hotline.gateways.contract import Gateway

PASSWORD = "invented-password"


class Kannel:
    """bearerbox, smsbox, and a socket to the fake SMSC."""

    name = "kannel"

    def __init__(self) -> None:
        self._ports = {old: free_port() for old in ("13000", "13001", "13013")}
        self._smsc = free_port()
        self._running: list[subprocess.Popen[bytes]] = []
        self._heard: list[str] = []
        self._phones: socket.socket | None = None

    def missing(self) -> list[str]:
        """Return what is not installed."""
        return [f"{box} (apt-get install kannel)" for box in ("bearerbox", "smsbox") if shutil.which(box) is None]

    def settings(self) -> dict[str, object]:
        """Return our settings for it."""
        return {
            "gateway": "kannel",
            "kannel_send_url": f"http://127.0.0.1:{self._ports['13013']}/cgi-bin/sendsms",
            "kannel_username": "hotline",
            "kannel_password": PASSWORD,
            "kannel_from": "7788",
        }

    def start(self, folder: Path, gateway: Gateway) -> None:
        """Start both boxes with the documented file; only ports, secrets, folder and the network are others."""
        conf = folder / "kannel.conf"
        conf.write_text(self._conf(folder, gateway))
        for box, port in (("bearerbox", self._smsc), ("smsbox", self._ports["13013"])):
            log = (folder / f"{box}.log").open("wb")
            self._running.append(subprocess.Popen([box, "-v", "3", str(conf)], stdout=log, stderr=log))
            until(box, lambda port=port: listens(port), 20)
        self._phones = socket.create_connection(("127.0.0.1", self._smsc))
        threading.Thread(target=self._listen, daemon=True).start()
        time.sleep(1)

    def _conf(self, folder: Path, gateway: Gateway) -> str:
        groups = block("kannel").split("\n\n")
        fake = f"group = smsc\nsmsc = fake\nsmsc-id = FAKE\nport = {self._smsc}\nconnect-allow-ip = 127.0.0.1\n"
        groups = [fake if group.startswith("group = smsc\n") else group for group in groups]
        text = "\n\n".join(groups).replace("HOOK", gateway.address("sms")).replace("/var/spool/kannel", str(folder / "store"))
        for old, new in self._ports.items():
            text = text.replace(old, str(new))
        (folder / "store").mkdir()
        return text.replace("CHANGE-ME", PASSWORD)

    def speak(self, texts: list[str]) -> None:
        """Let phones text the short code, fifty a second."""
        for number, text in enumerate(texts):
            self._phones.sendall(f"+25078001{number % 10000:04d} 7788 text {text}\n".encode())
            time.sleep(0.02)

    def _listen(self) -> None:
        for line in self._phones.makefile("rb"):
            _, _, kind, words = line.rstrip(b"\n").split(b" ", 3)
            self._heard.append((unquote_to_bytes(words.replace(b"+", b" ")) if kind != b"text" else words).decode())

    def heard(self) -> list[str]:
        """Return the words of all texts the phones got."""
        return list(self._heard)

    def stop(self) -> None:
        """End both boxes."""
        if self._phones is not None:
            self._phones.close()
        for process in reversed(self._running):
            process.terminate()
        for process in self._running:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                note("kannel: a box did not end by itself")
                process.kill()
