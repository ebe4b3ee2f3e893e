"""Tokens of an outside issuer: a real server that rotates keys, goes away and is impersonated."""

import base64
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from typing import Any

import pytest
from clocks import SecondsClock
from commanding import Stemma
from issuing import AUDIENCE, Issuing, issuing, new_key
from joserfc.jwk import Key, RSAKey
from serving import Served, serving
from stories import Story, story
from trickling import trickling

from api.identity.identities import Identities
from api.identity.issuer import (
    DISCOVERY,
    FRESH_SECONDS,
    PAUSE_SECONDS,
    STALE_SECONDS,
    TIMEOUT_SECONDS,
    IssuerKeys,
)
from api.identity.tokens import LEEWAY_SECONDS, LONGEST_TOKEN, KeysAndTokens, Tokens
from api.problems import Problem
from domain.permission import OPERATOR
from scripts.settings import BadSetting, read_settings

SUBJECT = "auth0|ana"


class Door:
    """Tokens of an issuer for the people of a story; Ana is known to it."""

    def __init__(self, told: Story, issuer: Issuing) -> None:
        self.told, self.issuer, self.clock = told, issuer, SecondsClock()
        self.ana = told.person("Ana")
        self.identities = Identities(told.journal.engine)
        self.identities.add(issuer.address, SUBJECT, self.ana)
        self.tokens = self.opened()

    def opened(self, **said: str) -> Tokens:
        issuer = self.issuer.issuer._replace(**said)
        return Tokens(issuer, self.identities, clock=self.clock)

    def lets_in(self, token: str) -> str | None:
        """Who comes in with a token, if anybody."""
        caller = self.tokens.caller(token)
        return None if caller is None else caller.actor


@pytest.fixture
def issuer() -> Iterator[Issuing]:
    with issuing() as running:
        yield running


@pytest.fixture
def door(issuer: Issuing, tmp_path: Any) -> Iterator[Door]:
    with story(f"sqlite:///{tmp_path / 'stemma.db'}") as told:
        yield Door(told, issuer)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forged(header: dict[str, Any], claims: dict[str, Any], secret: bytes | None = None) -> str:
    """A token made by hand: unsigned, or “signed” with a secret."""
    text = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
    signature = b"" if secret is None else hmac.digest(secret, text.encode(), hashlib.sha256)
    return f"{text}.{b64(signature)}"


# -- who comes in --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind, alg", [("EC", "ES256"), ("RSA", "RS256"), ("OKP", "Ed25519")])
def test_a_token_that_the_issuer_signed_lets_its_subject_in(
    kind: str, alg: str, door: Door, issuer: Issuing
) -> None:
    issuer.keys = [new_key("only", kind)]
    for header in ({}, {"typ": "JWT"}, {"typ": None}, {"typ": "application/at+JWT"}, {"kid": None}):
        assert door.lets_in(issuer.token(SUBJECT, alg=alg, header=header)) == door.ana
    assert door.lets_in(issuer.token(SUBJECT, alg=alg, aud=["other", AUDIENCE])) == door.ana
    assert door.lets_in(issuer.token("somebody else", alg=alg)) is None
    assert issuer.asked == [DISCOVERY, "/keys"]  # fetched once


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://other.example"},
        {"aud": [f"{AUDIENCE}/", "stemma"]},
        {"aud": None},
        {"aud": 7},
        {"iss": "https://other.example"},
        {"iss": None},
        {"exp": -LEEWAY_SECONDS - 5},
        {"exp": None},
        {"exp": "2099"},
        {"exp": True},
        {"nbf": 900},
        {"iat": 900},
        {"iat": "yesterday"},
        {"sub": ["auth0|ana"]},
        {"sub": None},
        {"sub": "auth0|ana "},
    ],
    ids=str,
)
def test_a_token_for_others_or_for_another_time_lets_nobody_in(
    claims: dict[str, Any], door: Door, issuer: Issuing
) -> None:
    for name in ("exp", "nbf", "iat"):
        if type(claims.get(name)) is int:  # seconds from now
            claims = {name: int(time.time()) + claims[name]}
    assert door.lets_in(issuer.token(SUBJECT, **claims)) is None


def test_a_clock_that_is_a_little_off_is_forgiven(door: Door, issuer: Issuing) -> None:
    now = int(time.time())
    off = LEEWAY_SECONDS - 20
    assert door.lets_in(issuer.token(SUBJECT, exp=now - off)) == door.ana
    assert door.lets_in(issuer.token(SUBJECT, nbf=now + off, iat=now + off)) == door.ana


def test_no_signature_of_another_kind_or_key_is_accepted(door: Door, issuer: Issuing) -> None:
    rsa = new_key("rsa", "RSA")
    issuer.keys = [rsa, new_key("ec")]
    assert isinstance(rsa, RSAKey)
    claims, public = issuer.claims(SUBJECT), rsa.as_pem(private=False)
    for alg, secret in (("none", None), ("None", None), ("HS256", public), ("HS512", public)):
        for kid in ({"kid": "rsa"}, {"kid": "ec"}, {}):
            assert door.lets_in(forged({"alg": alg, "typ": "JWT", **kid}, claims, secret)) is None
    strange = new_key("rsa", "RSA")
    assert door.lets_in(issuer.token(SUBJECT, key=strange, alg="RS256")) is None
    good = issuer.token(SUBJECT, key=rsa, alg="RS256")
    assert door.lets_in(good) == door.ana
    header, body, signature = good.split(".")
    other = b64(json.dumps(issuer.claims("somebody else")).encode())
    for bad in (f"{header}.{other}.{signature}", f"{header}.{body}.", f"{header}.{body}.AAAA"):
        assert door.lets_in(bad) is None
    # A key in the header is nobody's: only those that the issuer publishes count.
    own = {"jwk": strange.as_dict(private=False), "jku": "https://evil.example/keys"}
    assert door.lets_in(issuer.token(SUBJECT, key=strange, alg="RS256", header=own)) is None


def test_of_two_keys_the_token_names_its_own(door: Door, issuer: Issuing) -> None:
    issuer.keys = [new_key("one"), new_key("two")]
    for key in issuer.keys:
        assert door.lets_in(issuer.token(SUBJECT, key=key)) == door.ana
        assert door.lets_in(issuer.token(SUBJECT, key=key, header={"kid": None})) is None
    mixed = issuer.token(SUBJECT, key=issuer.keys[0], header={"kid": "two"})
    assert door.lets_in(mixed) is None


def test_who_looks_why_a_token_was_refused_reads_that_keys_have_the_same_name(
    door: Door, issuer: Issuing, caplog: pytest.LogCaptureFixture
) -> None:
    """Names should be distinct (RFC 7517, 4.5), so that only the issuer can mend it."""
    issuer.keys = [new_key("one"), new_key("one")]
    with caplog.at_level(logging.WARNING, "stemma.audit"):
        assert door.lets_in(issuer.token(SUBJECT)) is None
    (reason,) = [one.reason for one in caplog.records if hasattr(one, "reason")]
    assert reason == "its key is not known, or several have its name"


@pytest.mark.parametrize("kind, more", [("RSA", {}), ("EC", {"alg": "ES384"})], ids=str)
def test_who_looks_why_a_token_was_refused_reads_that_its_key_is_for_another_algorithm(
    kind: str,
    more: dict[str, str],
    door: Door,
    issuer: Issuing,
    caplog: pytest.LogCaptureFixture,
) -> None:
    token = issuer.token(SUBJECT)
    issuer.keys = [new_key("first", kind, **more)]
    with caplog.at_level(logging.WARNING, "stemma.audit"):
        assert door.lets_in(token) is None
    (reason,) = [one.reason for one in caplog.records if hasattr(one, "reason")]
    assert reason == "its key is for another algorithm"


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "logout+jwt"},
        {"typ": "dpop+jwt"},
        {"typ": 7},
        {"kid": 7},
        {"kid": ["first"]},
        {"crit": ["b64"], "b64": False},
        {"crit": ["exp"], "exp": 1},
    ],
    ids=str,
)
def test_a_header_that_means_something_else_lets_nobody_in(
    header: dict[str, Any], door: Door, issuer: Issuing
) -> None:
    good, _, rest = issuer.token(SUBJECT).partition(".")
    known = json.loads(base64.urlsafe_b64decode(good + "=="))
    assert door.lets_in(f"{b64(json.dumps({**known, **header}).encode())}.{rest}") is None


@pytest.mark.parametrize(
    "token",
    [
        *("..", "a.b.c", "e30.e30.", "e30.e30.e30", "bnVsbA.e30.AA", "W10.e30.AA", "é.é.é"),
        f"{b64(b'[' * 5000)}.e30.AA",
        f"e30.{'A' * LONGEST_TOKEN}.AA",
        f"{'A' * 5_000_000}.e30.AA",
        f"{b64(json.dumps({'alg': 'ES256', 'kid': 'first', 'zip': 'DEF'}).encode())}.e30.AA",
    ],
    ids=lambda text: f"{text[:12]} {len(text)}",
)
def test_garbage_lets_nobody_in_and_is_no_accident(token: str, door: Door) -> None:
    began = time.monotonic()
    assert door.lets_in(token) is None
    assert time.monotonic() - began < 1


def test_a_forgotten_or_unknown_person_does_not_come_in(door: Door, issuer: Issuing) -> None:
    token = issuer.token(SUBJECT)
    assert door.lets_in(token) == door.ana
    door.told.tell("forget_contributor", id=door.ana, ground="request")
    assert door.lets_in(token) is None


def test_a_subject_may_act_for_the_operator(door: Door, issuer: Issuing) -> None:
    door.identities.add(issuer.address, SUBJECT, OPERATOR)
    assert door.lets_in(issuer.token(SUBJECT)) == OPERATOR


def test_a_claim_may_hold_the_id_of_a_contributor(door: Door, issuer: Issuing) -> None:
    door.tokens = door.opened(claim="stemma_id")
    assert door.lets_in(issuer.token("anything", stemma_id=door.ana)) == door.ana
    unknown = "8f7c1f1e-5d6a-4f0e-9f43-2d0c6b1a9eff"
    for named in ("operator", unknown, door.ana.upper(), [door.ana], None):
        assert door.lets_in(issuer.token(SUBJECT, stemma_id=named)) is None


def test_a_scope_in_a_token_narrows_it(door: Door, issuer: Issuing) -> None:
    for said, reads, makes_keys in (
        (None, True, True),
        ("openid profile", True, True),
        ("openid stemma:read", True, False),
        ("stemma:contribution", False, False),
        ("stemma:everything", False, False),
        (["openid", "stemma:read"], True, False),
        ([], True, True),
    ):
        caller = door.tokens.caller(issuer.token(SUBJECT, scope=said))
        assert caller is not None
        assert (caller.scope.reads, caller.scope.makes_keys) == (reads, makes_keys), said
        assert caller.key is None
        assert caller.until is not None


def test_a_scope_that_is_not_understood_is_not_taken_for_everything(
    door: Door, issuer: Issuing
) -> None:
    for said in (7, {"stemma": "read"}, ["stemma:read", 7]):
        assert door.lets_in(issuer.token(SUBJECT, scope=said)) is None, said


# -- the keys of the issuer ----------------------------------------------------------------------


def test_a_rotated_key_is_fetched_when_a_token_names_it_but_not_too_often(
    door: Door, issuer: Issuing
) -> None:
    old = issuer.token(SUBJECT)
    assert door.lets_in(old) == door.ana
    issuer.keys = [new_key("second"), *issuer.keys]
    new = issuer.token(SUBJECT)
    assert door.lets_in(new) is None  # a moment after a fetch there is no other
    door.clock.now += PAUSE_SECONDS
    assert door.lets_in(new) == door.ana
    fetched = len(issuer.asked)
    for number in range(50):
        made_up = issuer.token(SUBJECT, header={"kid": f"made up {number}"})
        assert door.lets_in(made_up) is None
    assert len(issuer.asked) == fetched
    door.clock.now += PAUSE_SECONDS
    assert door.lets_in(made_up) is None
    assert len(issuer.asked) == fetched + 2
    issuer.keys = issuer.keys[:1]  # the first is withdrawn
    door.clock.now += FRESH_SECONDS + 1
    assert door.lets_in(old) is None
    assert door.lets_in(new) == door.ana


def test_while_the_issuer_is_away_known_keys_go_on_for_a_day(door: Door, issuer: Issuing) -> None:
    token = issuer.token(SUBJECT)
    assert door.lets_in(token) == door.ana
    issuer.answers = {DISCOVERY: (503, {}), "/keys": (503, {})}
    door.clock.now += STALE_SECONDS - 1
    assert door.lets_in(token) == door.ana
    door.clock.now += 2
    with pytest.raises(Problem) as told:
        door.lets_in(token)
    assert (told.value.problem, told.value.code) == ("issuer_unavailable", 503)
    assert told.value.headers["Retry-After"]
    asked = len(issuer.asked)
    with pytest.raises(Problem):
        door.lets_in(token)
    assert len(issuer.asked) == asked  # it is not asked again at once
    issuer.answers = {}
    door.clock.now += PAUSE_SECONDS
    assert door.lets_in(token) == door.ana


@pytest.mark.parametrize(
    "discovery, answers",
    [
        ({"issuer": "https://other.example"}, {}),
        ({"jwks_uri": None}, {}),
        ({"jwks_uri": "http://evil.example/keys"}, {}),
        ({"jwks_uri": "file:///etc/passwd"}, {}),
        ({"jwks_uri": "https://127.0.0.1/keys"}, {}),
        ({"jwks_uri": "https://[::1]:1/keys"}, {}),
        ({"jwks_uri": "https://10.0.0.1/keys"}, {}),
        ({"jwks_uri": "https://169.254.169.254/latest"}, {}),
        ({"jwks_uri": "https://[::ffff:10.0.0.1]/keys"}, {}),
        ({"jwks_uri": "https://user@127.0.0.1/keys"}, {}),
        ({}, {"/keys": (302, {"Location": "/others"}), "/others": b'{"keys": []}'}),
        ({}, {DISCOVERY: (301, {"Location": "/keys"})}),
        ({}, {"/keys": b'{"keys": [' + b"[" * 100_000}),
        ({}, {"/keys": b" " * 300_000}),
        ({}, {"/keys": b"[]"}),
        ({}, {"/keys": b'{"keys": [1]}'}),
        ({}, {"/keys": b'{"keys": []}'}),
        ({}, {"/keys": b'{"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "first"}]}'}),
        ({}, {"/keys": b"<html>"}),
    ],
    ids=str,
)
def test_keys_are_taken_only_from_where_the_settings_lead(
    discovery: dict[str, Any], answers: dict[str, Any], door: Door, issuer: Issuing
) -> None:
    issuer.discovery, issuer.answers = discovery, answers
    began = time.monotonic()
    with pytest.raises(Problem, match="issuer"):
        door.lets_in(issuer.token(SUBJECT))
    assert time.monotonic() - began < 5
    assert "/others" not in issuer.asked


def test_no_other_server_of_this_machine_is_asked_for_keys(door: Door, issuer: Issuing) -> None:
    with issuing() as other:
        other.keys = issuer.keys
        issuer.discovery = {"jwks_uri": f"{other.address}/keys"}
        with pytest.raises(Problem, match="issuer"):
            door.lets_in(issuer.token(SUBJECT))
        assert other.asked == []


def test_while_keys_are_fetched_others_wait_only_if_none_are_known(
    door: Door, issuer: Issuing
) -> None:
    token, many = issuer.token(SUBJECT), 4
    with ThreadPoolExecutor(many) as pool:
        issuer.is_open.clear()
        first = [pool.submit(door.lets_in, token) for _ in range(many)]
        assert not wait(first, timeout=0.2).done
        issuer.is_open.set()
        assert [one.result() for one in first] == [door.ana] * many
        assert issuer.asked == [DISCOVERY, "/keys"]
        door.clock.now += FRESH_SECONDS + 1
        issuer.is_open.clear()
        later = as_completed(pool.submit(door.lets_in, token) for _ in range(many))
        assert [next(later).result() for _ in range(many - 1)] == [door.ana] * (many - 1)
        assert issuer.asked.count("/keys") == 1
        issuer.is_open.set()
        assert next(later).result() == door.ana
        assert issuer.asked.count("/keys") == 2


def test_keys_that_trickle_are_given_up_in_time(door: Door) -> None:
    """However little comes at a time: a token would hold its thread for as long."""
    with trickling(b"HTTP/1.1 200 OK\r\n", b"X") as address:
        began = time.monotonic()
        with pytest.raises(Problem, match="issuer"):
            door.opened(jwks=f"{address}/keys").caller(door.issuer.token(SUBJECT))
        assert time.monotonic() - began < 3 * TIMEOUT_SECONDS


@pytest.mark.parametrize(
    "strange",
    [
        {"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA", "kid": "strange"},
        {"kty": "OKP", "crv": "Ed999", "x": "AA", "kid": "strange"},
        {"kty": "RSA", "e": "AQAB", "kid": "strange"},
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA", "kid": "strange"},
    ],
    ids=str,
)
def test_a_key_that_is_not_understood_keeps_none_of_the_others_from_use(
    strange: dict[str, Any], door: Door, issuer: Issuing
) -> None:
    published = [strange, issuer.keys[0].as_dict(private=False)]
    issuer.answers = {"/keys": json.dumps({"keys": published}).encode()}
    assert door.lets_in(issuer.token(SUBJECT)) == door.ana
    assert door.lets_in(issuer.token(SUBJECT, header={"kid": "strange"})) is None


def test_the_settings_may_name_where_the_keys_are(door: Door, issuer: Issuing) -> None:
    issuer.answers = {DISCOVERY: (404, {})}
    door.tokens = door.opened(jwks=f"{issuer.address}/keys")
    assert door.lets_in(issuer.token(SUBJECT)) == door.ana
    assert issuer.asked == ["/keys"]


def test_a_key_for_something_else_verifies_nothing(door: Door, issuer: Issuing) -> None:
    key = issuer.keys[0]
    published = key.as_dict(private=False)
    for wrong in ({"use": "enc"}, {"alg": "ES384"}, {"kty": "unheard"}):
        said = json.dumps({"keys": [{**published, **wrong}, _spare().as_dict(private=False)]})
        issuer.answers = {"/keys": said.encode()}
        keys = IssuerKeys(issuer.issuer)
        found = keys.key("first")
        assert found is None or found.get("alg") == "ES384"
        door.tokens = door.opened()
        assert door.lets_in(issuer.token(SUBJECT)) is None


def _spare() -> Key:
    return new_key("spare")


# -- over HTTP -----------------------------------------------------------------------------------


def test_a_token_acts_over_http_under_the_name_of_its_person(
    issuer: Issuing, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(database, issuer=issuer.issuer) as served:
        ana = served.admit("Ana")
        Identities(served.service.engine).add(issuer.address, SUBJECT, ana)
        client = served.client(issuer.token(SUBJECT))
        poem = client.post("/contributions", title="A poem", medium="text").id
        assert served.operator.get(f"/works/{poem}").json["posted_by"] == ana
        assert client.post("/contributors", name="Ben").code == "not_permitted"
        assert client.post("/keys", {}).code == "not_permitted"  # it ends with the account there
        reads = served.client(issuer.token(SUBJECT, scope="stemma:read"))
        assert reads.get("/works").status == 200
        assert reads.post("/contributions", title="A", medium="text").code == "outside_scope"
        late = issuer.token(SUBJECT, exp=int(time.time()) - 900)
        with caplog.at_level(logging.WARNING, "stemma.audit"):
            answer = served.client(late).get("/works")
        assert (answer.status, answer.code) == (401, "unauthenticated")
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
        assert answer.json["detail"] == served.client("wrong").get("/works").json["detail"]
        reasons = [one.reason for one in caplog.records if hasattr(one, "reason")]
        assert reasons == ["ExpiredTokenError"]
        assert late not in caplog.text


def test_without_an_issuer_no_token_is_looked_at(served: Served, issuer: Issuing) -> None:
    assert served.client(issuer.token(SUBJECT)).get("/works").status == 401
    assert KeysAndTokens(served.service.keys, None).caller("a.b.c") is None
    assert issuer.asked == []


def test_an_issuer_that_is_away_stops_tokens_and_no_key(issuer: Issuing, database: str) -> None:
    issuer.answers = {DISCOVERY: (500, {})}
    with serving(database, issuer=issuer.issuer) as served:
        answer = served.client(issuer.token(SUBJECT)).get("/works")
        assert (answer.status, answer.code) == (503, "issuer_unavailable")
        assert served.operator.get("/works").status == 200


@pytest.fixture
def served(database: str) -> Iterator[Served]:
    with serving(database) as running:
        yield running


# -- identities and settings ---------------------------------------------------------------------


def test_an_identity_is_kept_only_as_a_digest_and_ends(database: str, issuer: Issuing) -> None:
    with story(database) as told:
        ana, ben = told.person("Ana"), told.person("Ben")
        identities = Identities(told.journal.engine)
        identities.add(issuer.address, SUBJECT, ana)
        assert identities.holder_of(issuer.address, SUBJECT) == ana
        assert identities.holder_of("https://other.example", SUBJECT) is None
        identities.add(issuer.address, SUBJECT, ben)
        assert [one.holder for one in identities.list()] == [ben]
        assert "auth0" not in repr(told.journal.engine.query("SELECT * FROM identities"))
        assert identities.end(issuer.address, SUBJECT)
        assert not identities.end(issuer.address, SUBJECT)
        assert identities.holder_of(issuer.address, SUBJECT) is None


def test_identities_are_added_listed_and_ended_in_the_terminal(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*words: str, status: int = 0) -> str:
        result = Stemma(database).run("identity", *words)
        assert result.exit_code == status, result.output
        return str(result.output)

    with story(database) as told:
        ana = told.person("Ana")
    assert "STEMMA_OIDC_ISSUER" in run("add", SUBJECT, "--for", ana, status=1)
    monkeypatch.setenv("STEMMA_OIDC_ISSUER", "https://login.example.org")
    monkeypatch.setenv("STEMMA_OIDC_AUDIENCE", AUDIENCE)
    assert "acts for operator" in run("add", SUBJECT, "--for", "operator")
    assert "acts for" in run("add", SUBJECT, "--for", ana)
    assert "Ana" in run("list")
    assert json.loads(run("list", "--json"))["items"][0]["for"] == ana
    run("add", SUBJECT, "--for", "nobody", status=1)
    assert "ended" in run("end", SUBJECT)
    run("end", SUBJECT, status=1)


def test_an_issuer_needs_an_audience_and_a_secure_address() -> None:
    said = {"STEMMA_OIDC_ISSUER": "https://login.example.org", "STEMMA_OIDC_AUDIENCE": AUDIENCE}
    settings = read_settings(said)
    assert settings.issuer is not None
    assert read_settings(settings.said).issuer == settings.issuer
    for wrong in (
        {"STEMMA_OIDC_AUDIENCE": ""},
        {"STEMMA_OIDC_ISSUER": "http://login.example.org"},
        {"STEMMA_OIDC_ISSUER": "login.example.org"},
        *({"STEMMA_OIDC_ISSUER": f"https://login.example.org{more}"} for more in ("?a=1", "#a")),
        {"STEMMA_OIDC_ISSUER": "https://u:p@login.example.org"},
        {"STEMMA_OIDC_JWKS": "http://login.example.org/keys"},
        {"STEMMA_OIDC_JWKS": "file:///etc/passwd"},
    ):
        with pytest.raises(BadSetting, match=next(iter(wrong))):
            read_settings({**said, **wrong})
