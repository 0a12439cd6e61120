"""A device that keeps passkeys, in software: makes real keys and signs as WebAuthn Level 3 says, and lies when told to."""

import base64
import hashlib
import json
import secrets
import struct
from dataclasses import dataclass, field

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, WITH_KEY = 0x01, 0x04, 0x40


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class Authenticator:
    """One device with one passkey, made by the first `make`. `verified`: it asked for finger, face or PIN."""

    origin: str
    verified: bool = True
    count: int = 0
    user: str = ""
    id: bytes = field(default_factory=lambda: secrets.token_bytes(24))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def make(self, options: dict) -> str:
        """What a browser sends after navigator.credentials.create()."""
        self.user = options["user"]["id"]
        numbers = self.key.public_key().public_numbers()
        key = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        whole = bytes(16) + struct.pack(">H", len(self.id)) + self.id + cbor2.dumps(key)
        made = {"fmt": "none", "attStmt": {}, "authData": self._data(options["rp"]["id"], WITH_KEY) + whole}
        said = self._said("webauthn.create", options["challenge"])
        return self._answer(clientDataJSON=said, attestationObject=cbor2.dumps(made))

    def use(self, options: dict) -> str:
        """What a browser sends after navigator.credentials.get()."""
        self.count += 1
        data, said = self._data(options["rpId"]), self._said("webauthn.get", options["challenge"])
        signature = self.key.sign(data + hashlib.sha256(said).digest(), ec.ECDSA(hashes.SHA256()))
        handle = base64.urlsafe_b64decode(self.user + "=" * (-len(self.user) % 4))
        return self._answer(clientDataJSON=said, authenticatorData=data, signature=signature, userHandle=handle)

    def _data(self, name: str, flags: int = 0) -> bytes:
        told = PRESENT | (VERIFIED if self.verified else 0) | flags
        return hashlib.sha256(name.encode()).digest() + struct.pack(">BI", told, self.count)

    def _said(self, act: str, challenge: str) -> bytes:
        return json.dumps({"type": act, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()

    def _answer(self, **parts: bytes) -> str:
        response = {name: b64(part) for name, part in parts.items()}
        return json.dumps({"id": b64(self.id), "rawId": b64(self.id), "type": "public-key", "response": response})
