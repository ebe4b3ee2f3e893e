"""The whole service behind a real HTTP server, and a client that believes no answer.

Rule: every answer is held against the OpenAPI document: its status, its media type, its exact
fields, and for a problem that its code is one which the route says it can give.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import Flask
from jsonschema_rs import Draft202012Validator
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wsgi import ClosingIterator

from api.application import create_app
from api.identity.issuer import Issuer
from api.limits import Limits
from api.operations import CODES
from api.problems import MEDIA_TYPE, PROBLEMS
from domain.engine import Engine
from domain.note import SignerKey
from scripts.service import Service, open_service

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

OPERATOR_KEY = "stemma_the-key-from-outside-VQ3rT9xk2mZp7L"


class Quiet(WSGIRequestHandler):
    """Says nothing about requests."""

    def log(self, type: str, message: str, *args: object) -> None:
        pass


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def code(self) -> str:
        """The code of a problem."""
        return str(self.json["code"])

    @property
    def id(self) -> str:
        """What was written about."""
        assert self.status in {200, 201}, self.text
        return str(self.json["id"])

    @property
    def items(self) -> list[Any]:
        """The part of a list."""
        assert self.status == 200, self.text
        return list(self.json["items"])


ACTED_UPON = {"ETag", "Link", "Location", "Retry-After", "WWW-Authenticate"}
"""The headers of answers by which clients decide what to send next."""


class Contract:
    """The OpenAPI document, against which every answer is held."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        # A path without parameters comes before one with some (OpenAPI, paths object).
        paths = sorted(document["paths"].items(), key=lambda one: one[0].count("{"))
        self._paths = [
            (re.compile(re.sub(r"\{\w+\}", "[^/]+", template)), item) for template, item in paths
        ]
        self._validators: dict[str, Draft202012Validator] = {}

    def believe(self, method: str, path: str, answer: Answer) -> None:
        """Fail if the document does not say so."""
        media_type = answer.headers["Content-Type"].partition(";")[0]
        if answer.status >= 400 and media_type == MEDIA_TYPE:
            problem = answer.json
            assert problem["status"] == answer.status == PROBLEMS[problem["code"]].status
        operation = self._operation(method, path)
        if operation is None:
            return
        documented = operation["responses"].get(str(answer.status))
        assert documented, f"{method} {path} says nothing of {answer.status}: {answer.text}"
        content = documented["content"].get(media_type)
        assert content, f"{method} {path} says nothing of {media_type}"
        named = documented.get("headers", {}).keys()
        untold = ACTED_UPON & answer.headers.keys() - named
        assert not untold, f"{method} {path} says nothing of {untold}"
        if answer.status == 200:
            assert "ETag" in answer.headers or "ETag" not in named, f"{method} {path} has no tag"
        if media_type == MEDIA_TYPE:
            assert answer.code in documented[CODES], f"{method} {path}: {answer.code}"
        if media_type.endswith("json"):
            self._validator(content["schema"]).validate(answer.json)

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        for template, item in self._paths:
            if method in item and template.fullmatch(path):
                found: dict[str, Any] = item[method]
                return found
        return None

    def _validator(self, schema: dict[str, Any]) -> Draft202012Validator:
        """It knows every component, and so takes as long to make as an answer."""
        written = json.dumps(schema)
        if written not in self._validators:
            whole = {**schema, "components": self.document["components"]}
            self._validators[written] = Draft202012Validator(whole, validate_formats=True)
        return self._validators[written]


@dataclass
class Client:
    """Speaks HTTP with one key."""

    port: int
    key: str | None
    contract: Contract | None = None

    @property
    def document(self) -> dict[str, Any]:
        """What the service says of itself."""
        assert self.contract
        return self.contract.document

    def get(
        self,
        path: str,
        query: Mapping[str, object] | None = None,
        *,
        headers: dict[str, str] | None = None,
        **more: object,
    ) -> Answer:
        asked = urlencode({**(query or {}), **more})
        return self.send("GET", f"{path}?{asked}" if asked else path, None, headers)

    def post(self, path: str, body: object = None, **fields: object) -> Answer:
        said = body if body is not None else fields
        return self.send("POST", path, json.dumps(said).encode(), JSON)

    def send(
        self,
        method: str,
        target: str,
        body: bytes | Iterable[bytes] | None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        key = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        connection.request(method, target, body, {**key, **(headers or {})})
        raw = connection.getresponse()
        answer = Answer(raw.status, dict(raw.getheaders()), raw.read().decode(errors="replace"))
        connection.close()
        if self.contract:
            self.contract.believe(method.lower(), target.partition("?")[0], answer)
        return answer


JSON = {"Content-Type": "application/json"}


@dataclass
class Served:
    """A running service, and its operator."""

    service: Service
    operator: Client
    app: Flask

    def client(self, key: str | None) -> Client:
        """Somebody with another key, or none."""
        return Client(self.operator.port, key, self.operator.contract)

    def acting(self, contributor: str) -> Client:
        """Somebody with a key of this contributor."""
        return self.client(self.service.keys.create(contributor))

    def admit(self, name: str) -> str:
        """The id of somebody new."""
        return self.operator.post("/contributors", name=name).id

    def post_piece(self, title: str, *sources: str, by: str | None = None) -> str:
        """The id of a new piece made from these."""
        return self.operator.post(
            "/contributions",
            title=title,
            medium="text",
            authors=[] if by is None else [{"contributor": by, "role": "writer"}],
            sources=[{"work": source, "kind": "adaptation"} for source in sources],
        ).id

    @property
    def origin(self) -> str:
        """Where it is served."""
        return f"http://127.0.0.1:{self.operator.port}"

    @property
    def head(self) -> int:
        """The position of the latest fact."""
        return self.service.journal.facts.head()


_contracts: dict[tuple[object, ...], Contract] = {}


def _contract(client: Client, app: Flask, *public: bool) -> Contract:
    """Asked for once for the same routes and what is public: it takes as long as many tests."""
    key = (*public, *(rule.endpoint for rule in app.url_map.iter_rules()))
    if key not in _contracts:
        _contracts[key] = Contract(client.get("/openapi.json").json)
    return _contracts[key]


def limits_on(
    engine: Engine, limits: Any, proxies: Any = (), clock: Callable[[], float] = time.time
) -> Limits:
    """No limits, or those of a test."""
    return Limits(engine, limits, proxies, clock=clock)


def whole(app: WSGIApplication) -> WSGIApplication:
    """The same without a file left open: Werkzeug's server closes none that a client broke off."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        with closing(ClosingIterator(app(environ, start_response))) as parts:
            return [b"".join(parts)]

    return answer


@contextmanager
def serving(
    database: str,
    *,
    follow: bool = True,
    public_pages: bool = False,
    publish_entries: bool = False,
    metrics_token: str | None = None,
    issuer: Issuer | None = None,
    limits: tuple[Any, ...] = ({},),
    media_hosts: tuple[str, ...] = (),
    contact: str = "",
    **settings: Any,
) -> Iterator[Served]:
    """The service on this database, for as long as this is held."""
    given = {"signer": SignerKey.new("stemma.example/log"), **settings}
    with open_service(database, operator_key=OPERATOR_KEY, **given) as service:
        service.store.awaited = lambda: service.journal.last_written if follow else 0
        app = create_app(
            service.journal,
            service.store,
            service.keys,
            service.log,
            public_pages=public_pages,
            publish_entries=publish_entries,
            issuer=issuer,
            metrics_token=metrics_token,
            limits=limits_on(service.engine, *limits),
            media_hosts=media_hosts,
            contact=contact,
            sends_mail=True,
        )
        server = make_server("127.0.0.1", 0, whole(app), threaded=True, request_handler=Quiet)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        if follow:
            service.follower.start()
        try:
            client = Client(server.port, OPERATOR_KEY)
            client.contract = _contract(client, app, publish_entries, public_pages)
            yield Served(service, client, app)
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
