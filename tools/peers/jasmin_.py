"""A real Jasmin with its RabbitMQ and Redis, and a small SMSC behind it (smsc.py, in Jasmin's own environment)."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from site_ import HOUSE, block, free_port, listens, until

from hotline import embedded
from hotline.gateways.contract import Gateway

USER, PASSWORD = "hotline", "invented"
RABBIT = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
PORTS = ("jcli", "http-api", "smpp-server", "smpp-server-pb", "router", "client-management", "interceptor")


class Jasmin:
    """jasmind with all its services in one process."""

    name = "jasmin"

    def __init__(self, venv: Path) -> None:
        self._bin = venv.resolve() / "bin"
        self._ports = {name: free_port() for name in (*PORTS, "redis", "rabbit", "epmd", "dist", "smsc")}
        self._running: list[subprocess.Popen[bytes]] = []
        self._folder = Path()
        self._jasmin: subprocess.Popen[bytes] | None = None
        self._smsc: subprocess.Popen[bytes] | None = None
        self._heard: list[str] = []

    def missing(self) -> list[str]:
        """Return what is not installed."""
        wanted = {
            f"{self._bin / 'jasmind.py'} (a virtual environment with jasmin==0.11.0)": (self._bin / "jasmind.py").exists(),
            "rabbitmq-server (apt-get install rabbitmq-server)": RABBIT.exists(),
            "a Redis server": embedded.server() is not None,
        }
        return [what for what, there in wanted.items() if not there]

    def settings(self) -> dict[str, object]:
        """Return our settings for it."""
        return {
            "gateway": "jasmin",
            "jasmin_send_url": f"http://127.0.0.1:{self._ports['http-api']}/send",
            "jasmin_username": USER,
            "jasmin_password": PASSWORD,
            "jasmin_from": "7788",
        }

    def start(self, folder: Path, gateway: Gateway) -> None:
        """Start everything with the documented settings; only ports, secrets, folders and the network are others."""
        ports, self._folder = self._ports, folder
        self._run(folder, "redis", [str(embedded.server()), "--port", str(ports["redis"]), "--bind", "127.0.0.1", "--save", ""])
        self._run(folder, "rabbit", [str(RABBIT)], **self._rabbit(folder))
        until("redis", lambda: listens(ports["redis"]), 20)
        until("rabbitmq", lambda: listens(ports["rabbit"]), 90)
        self._start_smsc(folder)
        self._start_jasmin()
        self._configure(gateway)
        until("the bind", self._bound, 30)

    def restart(self) -> None:
        """End Jasmin as a service is ended, and start it again with what it kept."""
        self._is_bound = False
        os.killpg(self._jasmin.pid, signal.SIGTERM)
        self._jasmin.wait(30)
        self._running.remove(self._jasmin)
        self._start_jasmin()
        until("the bind", self._bound, 60)

    def stuck(self) -> dict[str, int]:
        """Return how many messages of each of Jasmin's queues it has taken and neither done with nor given back."""
        command = [str(RABBIT.with_name("rabbitmqctl")), "-n", f"peers{self._ports['rabbit']}@localhost", "-q", "list_queues"]
        given = {**os.environ, **self._rabbit(self._folder)}
        listed = subprocess.run(
            [*command, "name", "messages_unacknowledged"], capture_output=True, text=True, env=given, check=True
        )
        rows = (line.rsplit(maxsplit=1) for line in listed.stdout.splitlines()[1:])
        return {name: int(many) for name, many in rows if many.isdigit() and int(many)}

    def _start_jasmin(self) -> None:
        folder = self._folder
        self._jasmin = self._run(folder, "jasmin", self._jasmind(folder), **self._environment(folder))
        for service in ("jcli", "http-api"):
            until(f"jasmin's {service}", lambda service=service: listens(self._ports[service]), 60)

    def _run(self, folder: Path, name: str, command: list[str], **environment: str) -> subprocess.Popen[bytes]:
        log = (folder / f"{name}.log").open("ab")
        given = {**os.environ, **environment}
        running = subprocess.Popen(command, stdout=log, stderr=log, env=given, cwd=folder, start_new_session=True)
        self._running.append(running)
        return running

    def _rabbit(self, folder: Path) -> dict[str, str]:
        base = folder / "rabbitmq"
        base.mkdir(exist_ok=True)
        (base / "rabbitmq.conf").write_text(block("rabbitmq"))
        return {
            "HOME": str(base),
            "RABBITMQ_NODENAME": f"peers{self._ports['rabbit']}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self._ports["rabbit"]),
            "RABBITMQ_DIST_PORT": str(self._ports["dist"]),
            "RABBITMQ_MNESIA_BASE": str(base),
            "RABBITMQ_LOG_BASE": str(base),
            "RABBITMQ_CONFIG_FILE": str(base / "rabbitmq"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(base / "plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._ports["epmd"]),
        }

    def _jasmind(self, folder: Path) -> list[str]:
        cfg = folder / "jasmin.cfg"
        cfg.write_text(block("jasmin"))
        known = subprocess.run(
            [self._bin / "python", self._bin / "jasmind.py", "--help"], capture_output=True, check=False
        ).stdout
        wanted = ("--enable-dlr-thrower", "--enable-dlr-lookup", "--enable-deliver-thrower")
        services = [service for service in wanted if service.encode() in known]  # 0.11.0 throws texts without being told to
        return [
            str(self._bin / "python"),
            str(self._bin / "jasmind.py"),
            "-c",
            str(cfg),
            "-u",
            "jcliadmin",
            "-p",
            "jclipwd",
            *services,
        ]

    def _environment(self, folder: Path) -> dict[str, str]:
        for path in ("etc/jasmin/resource", "etc/jasmin/store", "var/log/jasmin", "var/run", "var/lock", "tmp"):
            (folder / path).mkdir(parents=True, exist_ok=True)
        spec = next(self._bin.parent.glob("lib/python3*/site-packages/txamqp/specs/standard/amqp0-9-1.stripped.xml"))
        shutil.copy(spec, folder / "etc/jasmin/resource/amqp0-9-1.xml")
        named = {f"{name.replace('-', '_').upper()}_PORT": str(self._ports[name]) for name in PORTS}
        return named | {
            "ROOT_PATH": str(folder),
            "CONFIG_PATH": str(folder / "etc/jasmin"),
            "RESOURCE_PATH": str(folder / "etc/jasmin/resource"),
            "LOG_PATH": str(folder / "var/log/jasmin"),
            "AMQP_BROKER_PORT": str(self._ports["rabbit"]),
            "REDIS_CLIENT_PORT": str(self._ports["redis"]),
        }

    def _configure(self, gateway: Gateway) -> None:
        """Type the documented commands at Jasmin's console."""
        words = block("jcli").replace("HOOK", gateway.address("sms")).replace("192.0.2.10", "127.0.0.1")
        words = words.replace("port 2775", f"port {self._ports['smsc']}").replace("CHANGE-ME", PASSWORD)
        with socket.create_connection(("127.0.0.1", self._ports["jcli"]), timeout=10) as console:
            said = self._typed(console, "jcliadmin", b"assword") + self._typed(console, "jclipwd", b"jcli :")
            for line in words.strip().splitlines():
                said += self._typed(console, line, b">", b"jcli :")
        if b"rror" in said or b"Unknown" in said or b"nvalid" in said:
            raise RuntimeError(said.decode("utf-8", "replace")[-2000:])

    @staticmethod
    def _typed(console: socket.socket, line: str, *prompts: bytes) -> bytes:
        console.sendall(line.encode() + b"\r\n")
        said = b""
        while not any(said.rstrip().endswith(prompt.rstrip()) or prompt in said for prompt in prompts):
            said += console.recv(4096)
        return said

    def _start_smsc(self, folder: Path) -> None:
        command = [str(self._bin / "python"), str(HOUSE / "tools/peers/smsc.py"), str(self._ports["smsc"])]
        log = (folder / "smsc.log").open("wb")
        self._smsc = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        threading.Thread(target=self._listen, daemon=True).start()
        until("the SMSC", lambda: listens(self._ports["smsc"]), 20)

    def _listen(self) -> None:
        for line in self._smsc.stdout:
            said = json.loads(line)
            if "bound" in said:
                self._is_bound = True
            else:
                self._heard.append(said["text"])

    _is_bound = False

    def _bound(self) -> bool:
        return self._is_bound

    def speak(self, texts: list[str]) -> None:
        """Let phones text the short code, fifty a second."""
        for number, text in enumerate(texts):
            line = json.dumps({"from": f"25078001{number % 10000:04d}", "text": text})
            self._smsc.stdin.write(line.encode() + b"\n")
            self._smsc.stdin.flush()
            time.sleep(0.02)

    def heard(self) -> list[str]:
        """Return the words of all texts the phones got."""
        return list(self._heard)

    def stop(self) -> None:
        """End everything that was started."""
        for process in [self._smsc] if self._smsc else []:
            process.kill()
            process.wait()
        for process in reversed(self._running):
            try:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(20)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        subprocess.run(
            ["epmd", "-port", str(self._ports["epmd"]), "-kill"], stdout=subprocess.DEVNULL, stderr=sys.stderr, check=False
        )
