"""What keeps people's words and numbers from anybody who is not meant to read them.

Fields are AES-256-GCM with a random 96-bit nonce (NIST SP 800-38D) and bound to their table, column and row, so a ciphertext
moved to another row does not open. Each case has its own data key, wrapped by a key-encryption key that is a file outside the
database. Numbers are looked up by a keyed hash. Raw webhooks are sealed to a public key (HPKE, RFC 9180): the process that
faces the internet cannot read back what it stored a minute ago.
"""

import hashlib
import hmac
import os
import secrets
import time
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

NONCE = 12
VERSION = b"\x01"
SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
ENCAPSULATED = 32 + 32 + 16  # X25519 share, sealed epoch key, tag


class CannotOpen(Exception):
    """A sealed value was altered, moved to another row, or belongs to another key. Carries no content."""


class Key:
    """One AES-256-GCM key."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self._aes = AESGCM(raw)

    def seal(self, plain: bytes, bound_to: str) -> bytes:
        """Return version, nonce and ciphertext; `bound_to` is table|column|row."""
        nonce = os.urandom(NONCE)
        return VERSION + nonce + self._aes.encrypt(nonce, plain, bound_to.encode())

    def open(self, sealed: bytes, bound_to: str) -> bytes:
        """Return the plain bytes. Raises CannotOpen."""
        if sealed[:1] != VERSION:
            raise CannotOpen
        try:
            return self._aes.decrypt(sealed[1 : 1 + NONCE], sealed[1 + NONCE :], bound_to.encode())
        except (InvalidTag, ValueError):
            raise CannotOpen from None

    def seal_text(self, text: str, bound_to: str) -> bytes:
        """Seal text, lone surrogates included: nothing a person wrote is refused or altered."""
        return self.seal(text.encode("utf-8", "surrogatepass"), bound_to)

    def open_text(self, sealed: bytes, bound_to: str) -> str:
        """Open what `seal_text` sealed. Raises CannotOpen."""
        return self.open(sealed, bound_to).decode("utf-8", "surrogatepass")


class InboxSeal:
    """Seals raw webhooks with a key of the minute, itself sealed to the workers' public key.

    HPKE costs 80 microseconds a message; sealed once a minute it costs nothing, and a minute later the sealing process has
    forgotten the key.
    """

    EPOCH_SECONDS = 60.0

    def __init__(self, public: bytes) -> None:
        self._public = X25519PublicKey.from_public_bytes(public)
        self._epoch: tuple[float, bytes, Key] | None = None

    def seal(self, plain: bytes, bound_to: str) -> bytes:
        """Return the encapsulated key of this minute followed by the sealed bytes."""
        epoch = self._epoch  # one tuple: many threads seal, and a key must never be taken with another minute's header
        if epoch is None or time.monotonic() >= epoch[0]:
            key = Key(secrets.token_bytes(32))
            header = SUITE.encrypt(key.raw, self._public, b"hotline inbox")
            epoch = self._epoch = (time.monotonic() + self.EPOCH_SECONDS, header, key)
        return epoch[1] + epoch[2].seal(plain, bound_to)


class InboxOpener:
    """Opens what `InboxSeal` sealed. Only workers and the command line hold the private key."""

    def __init__(self, private: bytes) -> None:
        self._private = X25519PrivateKey.from_private_bytes(private)
        self._epoch = lru_cache(maxsize=64)(self._decapsulate)

    def open(self, sealed: bytes, bound_to: str) -> bytes:
        """Return the plain bytes. Raises CannotOpen."""
        return self._epoch(sealed[:ENCAPSULATED]).open(sealed[ENCAPSULATED:], bound_to)

    def _decapsulate(self, header: bytes) -> Key:
        try:
            return Key(SUITE.decrypt(header, self._private, b"hotline inbox"))
        except (InvalidTag, ValueError):
            raise CannotOpen from None


@dataclass
class Keyring:
    """The keys of a deployment, each a file of mode 0600 in one folder, made on first use."""

    folder: Path
    _cache: dict[str, bytes] = field(default_factory=dict)

    FILES = (
        "field.key",
        "index.key",
        "inbox.private",
        "inbox.public",
        "repeat.key",
        "dialled.key",
        "session.key",
        "simulator.key",
    )

    def blind_index(self, purpose: str, value: str) -> bytes:
        """Return a 16-byte keyed hash by which a value can be found and not read (HMAC-SHA-256, truncated)."""
        message = f"{purpose}|v1|{value}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._load("index.key"), message, hashlib.sha256)[:16]

    def shared_secret(self, purpose: str, value: str) -> bytes:
        """Return 32 bytes that we and whoever stands behind `value` sign with, and that nobody else can work out."""
        return hmac.digest(self._load("index.key"), f"{purpose}|shared|v1|{value}".encode(), hashlib.sha256)

    def repeat_index(self, *parts: str) -> str:
        """Return a keyed hash, 32 hex digits, by which a webhook that comes twice is known; of a key of its own, for doors."""
        message = b"|".join(part.encode("utf-8", "surrogatepass").hex().encode() for part in parts)
        return hmac.digest(self._load("repeat.key"), message, hashlib.sha256)[:16].hex()

    @property
    def fields(self) -> Key:
        """The key-encryption key: seals numbers and wraps case keys."""
        if (found := self.__dict__.get("_fields")) is None:
            found = self.__dict__["_fields"] = Key(self._load("field.key"))
        return found

    @property
    def dialled(self) -> Key:
        """The key of sessions of the dialled code: the web process seals where a session stands, and opens it a hop later."""
        if (found := self.__dict__.get("_dialled")) is None:
            found = self.__dict__["_dialled"] = Key(self._load("dialled.key"))
        return found

    @property
    def kid(self) -> str:
        """Short public name of the current key-encryption key."""
        return hashlib.sha256(b"kid" + self._load("field.key")).hexdigest()[:8]

    def new_case_key(self, case_id: str) -> tuple[Key, bytes]:
        """Return a fresh data key for a case and its wrapped form to store."""
        key = Key(secrets.token_bytes(32))
        return key, self.fields.seal(key.raw, f"case_key|wrapped|{case_id}")

    def case_key(self, case_id: str, wrapped: bytes) -> Key:
        """Unwrap a case's data key. Raises CannotOpen."""
        return Key(self.fields.open(wrapped, f"case_key|wrapped|{case_id}"))

    def inbox_seal(self) -> InboxSeal:
        """Return the public half, for doors."""
        return InboxSeal(self._load("inbox.public"))

    def inbox_opener(self) -> InboxOpener:
        """Return the private half, for workers."""
        return InboxOpener(self._load("inbox.private"))

    def secret(self, name: str) -> bytes:
        """Return the bytes of one of the other key files: `session.key`, `simulator.key`."""
        return self._load(name)

    def create_missing(self) -> list[str]:
        """Make the key files that are not there yet and return their names. Never overwrites one."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = [name for name in self.FILES if name != "inbox.public" and self._create(name, secrets.token_bytes(32))]
        public = X25519PrivateKey.from_private_bytes(self._load("inbox.private")).public_key().public_bytes_raw()
        return made + (["inbox.public"] if self._create("inbox.public", public) else [])

    def _create(self, name: str, raw: bytes) -> bool:
        try:
            handle = os.open(self.folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return False
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        return True

    def _load(self, name: str) -> bytes:
        if name not in self._cache:
            self._cache[name] = (self.folder / name).read_bytes()
        return self._cache[name]
