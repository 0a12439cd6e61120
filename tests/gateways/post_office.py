"""A mail server on 127.0.0.1 that keeps what it takes and, at the step a test names, answers or fails as it is told."""

import base64
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HANGS_UP = "hangs up"
SAYS_NOTHING = "says nothing"
USUAL = {
    "greeting": "220 hotline.example",
    "EHLO": "250-hotline.example\r\n250-AUTH PLAIN\r\n250 STARTTLS",
    "STARTTLS": "220 go on",
    "AUTH": "235 welcome",
    "MAIL": "250 ok",
    "RCPT": "250 ok",
    "DATA": "354 go on",
    "words": "250 queued",
    "RSET": "250 ok",
    "QUIT": "221 bye",
}


@dataclass
class PostOffice:
    """The server. `says` is what it answers at a step in place of the usual."""

    says: dict[str, str] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    secured: int = 0
    port: int = 0
    certificate: Path | None = None
    released: threading.Event = field(default_factory=threading.Event)


class Teller(StreamRequestHandler):
    """One connection."""

    office: PostOffice

    def handle(self) -> None:
        if not self._say("greeting"):
            return
        while line := self.rfile.readline().decode().strip():
            self.office.heard.append(line)
            verb = line.split(" ", 1)[0].upper()
            if not self._say(verb) or verb == "QUIT":
                return
            if verb == "STARTTLS" and not self._secure():
                return
            if verb == "DATA" and not self._words():
                return

    def finish(self) -> None:
        super().finish()
        self.request.close()  # under TLS it is another socket than the server's

    def _words(self) -> bool:
        if not self.office.says.get("DATA", "354").startswith("354"):
            return True
        taken = b""
        while not taken.endswith(b"\r\n.\r\n"):
            taken += self.rfile.readline()
        self.office.kept.append(taken.decode())
        return self._say("words")

    def _say(self, step: str) -> bool:
        words: Mapping[str, str] = {**USUAL, **self.office.says}
        said = words.get(step, "502 what?")
        if said == SAYS_NOTHING:
            self.office.released.wait(10)
        if said in (HANGS_UP, SAYS_NOTHING):
            return False
        self.wfile.write(f"{said}\r\n".encode())
        return True

    def _secure(self) -> bool:
        assert self.office.certificate
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.office.certificate)
        try:
            self.request = context.wrap_socket(self.request, server_side=True)
        except OSError:  # whoever called does not believe us
            return False
        self.office.secured += 1
        self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", 0)
        return True


@contextmanager
def post_office(certificate: Path | None = None) -> Iterator[PostOffice]:
    """Run a mail server for as long as the block lasts."""
    office = PostOffice(certificate=certificate)
    server = ThreadingTCPServer(("127.0.0.1", 0), type("Bound", (Teller,), {"office": office}))
    server.daemon_threads = True
    office.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield office
    finally:
        office.released.set()
        server.shutdown()
        server.server_close()


def certificate_in(folder: Path, *, name: str = "localhost") -> Path:
    """Write a certificate for a name and 127.0.0.1, signed by itself, and its key, into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return file


def login_of(line: str) -> str:
    """Return what an AUTH PLAIN line says."""
    return base64.b64decode(line.rpartition(" ")[2]).decode().replace("\0", " ").strip()
