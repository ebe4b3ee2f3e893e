"""An issuer of tokens as a real HTTP server: it publishes its keys, and signs with them."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from api.identity.issuer import DISCOVERY, Issuer

AUDIENCE = "https://stemma.example"


def new_key(kid: str, kind: str = "EC", **more: str) -> Key:
    """A key pair of its own."""
    parameters: Any = {"kid": kid, "use": "sig", **more}
    match kind:
        case "RSA":
            return RSAKey.generate_key(2048, parameters, private=True)
        case "OKP":
            return OKPKey.generate_key("Ed25519", parameters, private=True)
    return ECKey.generate_key("P-256", parameters, private=True)


@dataclass
class Issuing:
    """What the server publishes; a test changes it."""

    address: str
    keys: list[Key] = field(default_factory=lambda: [new_key("first")])
    discovery: dict[str, Any] = field(default_factory=dict)
    """What the discovery document says otherwise."""
    answers: dict[str, Any] = field(default_factory=dict)
    """What a path answers otherwise: bytes, or a status with headers."""
    asked: list[str] = field(default_factory=list)
    """Every path that was asked for."""
    is_open: threading.Event = field(default_factory=threading.Event)
    """While it is not set, no answer comes."""

    def __post_init__(self) -> None:
        self.is_open.set()

    @property
    def issuer(self) -> Issuer:
        return Issuer(self.address, AUDIENCE)

    def claims(self, subject: str, **more: Any) -> dict[str, Any]:
        """The claims of a token that is valid now; a claim of None is left out."""
        now = int(time.time())
        usual = {"iss": self.address, "aud": AUDIENCE, "sub": subject, "iat": now, "exp": now + 300}
        return {name: value for name, value in {**usual, **more}.items() if value is not None}

    def token(
        self,
        subject: str,
        *,
        key: Key | None = None,
        alg: str = "ES256",
        header: dict[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """A signed token."""
        key = key or self.keys[0]
        said: Any = {"alg": alg, "typ": "at+jwt", "kid": key.kid, **(header or {})}
        said = {name: value for name, value in said.items() if value is not None}
        return jwt.encode(said, self.claims(subject, **claims), key, algorithms=[alg])

    def answer(self, path: str) -> Any:
        """What is published at a path."""
        if path in self.answers:
            return self.answers[path]
        if path == DISCOVERY:
            said = {"issuer": self.address, "jwks_uri": f"{self.address}/keys", **self.discovery}
            return json.dumps(said).encode()
        if path == "/keys":
            return json.dumps({"keys": [key.as_dict(private=False) for key in self.keys]}).encode()
        return 404, {}


@contextmanager
def issuing() -> Iterator[Issuing]:
    """The server, for as long as this is held."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.asked.append(self.path)
            told.is_open.wait()
            answer = told.answer(self.path)
            status, headers = (200, {}) if isinstance(answer, bytes) else answer
            body = answer if isinstance(answer, bytes) else b""
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told = Issuing(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
