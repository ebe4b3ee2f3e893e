"""Fuzzing: every parser is given valid input gone wrong, and may answer only with its own refusal.

Mutations start from valid samples, because input that is wrong everywhere is refused at the first
byte. `test_fuzz.py` runs each target for a moment, `soak_fuzz.py` for as long as one likes.
"""

import io
import json
import random
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from flask.testing import FlaskClient
from serving import OPERATOR_KEY

from api.application import create_app
from api.splits import EXAMPLE
from domain.as_of import verify_as_of
from domain.checkpoint import Checkpoint, cosigned, decode_proof, open_checkpoint
from domain.commands.admitting import AdmitContributor
from domain.dates import start_of
from domain.money.policy.reading import exact_share, units_minor
from domain.money.split import preview
from domain.note import Note, SignerKey, VerifierKey
from domain.receipt import read_leaf, split_receipts, verify_receipt
from domain.refusal import Refusal
from domain.registry import COMMANDS
from domain.role import role_named
from domain.signature import read_signing, sign_command
from domain.text import folded, hex_digest, plain_text
from domain.tree import NotVerified, entries_of, tile_of
from domain.trust import read_policy
from domain.value import Text, Word
from projections.finding import contains
from projections.pages import BadCursor, decode_cursor, encode_cursor
from scripts.bundle.files import read_csv, read_json_lines
from scripts.service import Service, open_service
from scripts.settings import NAMES, BadSetting, read_settings

ROOT = Path(__file__).resolve().parents[1]
SIGNER = SignerKey.new("stemma.example/log")
SECRET = "geheim-123"
NOW = datetime(2026, 11, 26, tzinfo=UTC)

ODD = [
    *(b"\x00", b"\n", b"\n\n", b"\r", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xe2\x80\xae", b"\x1f"),
    *("٣".encode(), "½".encode(), "e\u0301".encode(), "ﬃ".encode(), "İ".encode(), b"\\ud800"),
    *(b"-0", b"1e400", b"NaN", b"-1", b"9" * 400, b"0/0", b"1/0", b"18446744073709551616", b"0x1"),
    *(b"null", b"true", b"[]", b"{}", b'""', b"[" * 3000, b'{"a":' * 3000, b'"', b"'", b"\\"),
    *(b"%00", b"%", b"%zz", b"../", b"//", b"?", b"#", b"&", b"=", b"+", b" ", b"\t", b"@", b":"),
    *(b"0000-00-00", b"9999-12-31", b"10000-01", b"2026-02-30", b"T24:00Z", b"-0001"),
]


CHECKED = 5
"""How many samples are shown to be valid before they are spoiled."""


class Leak(Exception):
    """A refusal that shows a secret."""


def must_hide(secret: str, error: Exception) -> None:
    """Raise Leak if the sentence of a refusal holds the secret."""
    if secret in str(error):
        raise Leak(str(error)) from error


class Target(NamedTuple):
    """A parser, valid input for it, and the only exceptions it may raise."""

    parse: Callable[[bytes], object]
    samples: list[bytes]
    refuses: tuple[type[Exception], ...]


class Found(NamedTuple):
    """Input that a parser did not answer as it should."""

    data: bytes
    error: Exception


def mutated(samples: list[bytes], dice: random.Random) -> bytes:
    """A sample with one to four things wrong with it."""
    data = bytearray(dice.choice(samples))
    for _ in range(dice.randint(1, 4)):
        at, to = sorted(dice.randrange(len(data) + 1) for _ in range(2))
        match dice.randrange(7):
            case 0 if at < len(data):
                data[at] ^= 1 << dice.randrange(8)
            case 1:
                del data[at : min(to, at + 16)]
            case 2:
                data[at:at] = dice.choice(ODD)
            case 3:
                data[at:to] = dice.choice(ODD)
            case 4:
                data[at:at] = data[at : min(to, at + 64)]
            case 5:
                other = dice.choice(samples)
                data[at:] = other[dice.randrange(len(other) + 1) :]
            case _:
                numbers = list(re.finditer(rb"\d+", data))
                if numbers:
                    number = dice.choice(numbers)
                    data[slice(*number.span())] = dice.choice(ODD)
    return bytes(data)


def fuzz(target: Target, seconds: float, seed: int) -> tuple[int, list[Found]]:
    """Try mutations for so long; how many were tried, and what was found, each kind once."""
    dice, found, tried = random.Random(seed), dict[str, Found](), 0
    for data in dice.sample(target.samples, min(len(target.samples), CHECKED)):
        target.parse(data)  # a sample is valid, else nothing here means anything
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        data = mutated(target.samples, dice)
        tried += 1
        try:
            target.parse(data)
        except target.refuses:
            pass
        except Exception as error:
            place = error.__traceback__
            while place is not None and place.tb_next is not None:
                place = place.tb_next
            assert place is not None
            kind = f"{type(error).__name__} {place.tb_frame.f_code.co_filename}:{place.tb_lineno}"
            found.setdefault(kind, Found(data, error))
    return tried, list(found.values())


def text(parse: Callable[[str], object]) -> Callable[[bytes], object]:
    """A parser of text, which may hold what no encoding can."""
    return lambda data: parse(data.decode("utf-8", "surrogateescape"))


def of_json(parse: Callable[[Any], object]) -> Callable[[bytes], object]:
    """A parser of parsed JSON; what is no JSON is refused elsewhere."""

    def parsed(data: bytes) -> object:
        try:
            value = json.loads(data)
        except (ValueError, RecursionError):
            return None
        return parse(value)

    return parsed


def told(value: object) -> bytes:
    return json.dumps(value).encode()


# -- proofs ------------------------------------------------------------------------------------


def of_proofs(service: Service) -> Iterator[tuple[str, Target]]:
    """The parsers of proofs, with proofs of a small log."""
    keys, ours = [SIGNER.verifier], (NotVerified,)
    for number in range(40):
        service.journal.record(AdmitContributor(name=f"P{number}"))
    service.log.catch_up()
    note, receipt = service.log.latest(), service.log.receipt(7)
    as_of, leaf = service.log.as_of(20), service.journal.facts.at([7])[0].leaf()
    witness = SignerKey.new("witness.example", 4)
    tree = Checkpoint.parse(Note.parse(note).text)
    seen = note + witness.sign(tree.text, 1_790_000_000).line.encode()
    yield "note", Target(Note.parse, [note, seen], ours)
    yield (
        "checkpoint",
        Target(
            lambda data: Checkpoint.parse(data.decode(errors="replace")), [tree.text.encode()], ours
        ),
    )
    yield "signed checkpoint", Target(lambda data: open_checkpoint(data, keys), [note], ours)
    yield "cosigned checkpoint", Target(lambda d: cosigned(d, [witness.verifier]), [seen], ours)
    yield "receipt", Target(lambda data: verify_receipt(data, keys), [receipt], ours)
    policy = f"log {keys[0]}\nwitness a {witness.verifier} http://a\ngroup g any a\nquorum g\n"
    yield "policy", Target(read_policy, [policy.encode()], ours)
    yield "receipts", Target(split_receipts, [receipt + receipt], ours)
    yield "as-of", Target(lambda data: verify_as_of(data, keys), [as_of], ours)
    yield "leaf", Target(read_leaf, [leaf], ours)
    proof = [b"MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="] * 3
    yield (
        "proof",
        Target(text(lambda said: decode_proof(said.split("\n"))), [b"\n".join(proof)], ours),
    )
    _, entries = service.log.tile("tile/entries/000.p/40")
    yield "entries", Target(entries_of, [entries], ours)
    tiles = [b"tile/0/000.p/40", b"tile/entries/x001/x234/067", b"tile/1/001"]
    yield "tile path", Target(text(tile_of), tiles, (ValueError,))
    yield "public key", Target(text(VerifierKey.parse), [str(SIGNER.verifier).encode()], ours)
    secret = SIGNER.secret_text()

    def hides(said: str) -> None:
        try:
            SignerKey.parse(said)
        except NotVerified as error:
            must_hide(secret[-30:-4], error)
            raise

    yield "secret key", Target(text(hides), [secret.encode()], ours)
    sent = sign_command(SIGNER, "work.redate", {"work": "x", "made_at": "2020"})
    yield (
        "signature",
        Target(
            text(lambda s: read_signing(s, SIGNER.name, "work.redate", {"work": "x"})),
            [sent.sent.encode()],
            ours,
        ),
    )


# -- values and files --------------------------------------------------------------------------


def of_values() -> Iterator[tuple[str, Target]]:
    """The parsers of single values, of policies and of the records of commands."""
    ours = (Refusal,)
    yield "date", Target(text(start_of), [b"2020", b"2020-06", b"2020-02-29"], ours)
    yield "rate", Target(text(lambda s: exact_share(s, "x")), [b"1/5", b"0.25", b"1"], ours)
    yield "amount", Target(of_json(lambda v: units_minor(v, "x")), [b"100", b"0"], ours)
    yield "digest", Target(text(hex_digest), [b"ab" * 32], ours)
    yield "plain text", Target(text(lambda s: plain_text("title", s)), [b"Gezeiten"], ours)
    yield "role", Target(text(role_named), [b"singer", b"vocals"], ours)
    yield "search", Target(text(lambda s: (contains(s), folded(s))), [b"low tide 100%"], ())
    yield "split", Target(of_json(preview), [told(EXAMPLE), *splits()], ours)
    yield "command", Target(of_json(_read_command), [*_commands()], ours)


def _commands() -> Iterator[bytes]:
    for name, command in COMMANDS.items():
        yield told([name, {one.name: one.value.example for one in command.fields()}])


def _read_command(value: Any) -> None:
    """Its values; the shape around them is what marshmallow and the bundle check."""
    if not (isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)):
        return
    command, said = COMMANDS.get(value[0]), value[1]
    if command is None or not isinstance(said, dict):
        return
    for one in command.fields():
        if isinstance(one.value, Text | Word) and isinstance(said.get(one.name), str):
            with suppress(Refusal):
                one.value.read(said[one.name], NOW)


def splits() -> Iterator[bytes]:
    """The questions in the reference of policies, one for each family."""
    page = ROOT / "api" / "web" / "docs" / "reference" / "policies.md"
    for found in re.findall(r"```json\n(\{.*?\n?)```", page.read_text(), re.DOTALL):
        if '"policy"' in found:
            yield found.encode()


def of_files(folder: Path) -> Iterator[tuple[str, Target]]:
    """The parsers of bundles and settings."""
    lines = [
        told({"type": "contributor", "id": "ana", "name": "Ana"}),
        told({"type": "remix", "child": "a", "parent": "b", "kind": "sample", "rate": "1/5"}),
    ]

    def json_lines(data: bytes) -> object:
        return list(read_json_lines(io.BytesIO(data)))

    def csv(data: bytes) -> object:
        (folder / "contributions.csv").write_bytes(data)
        return list(read_csv(folder))

    table = b"id,title,medium,authors,sources\na,T,text,ana poet|ben singer,b sample 1/5\n"
    yield "bundle", Target(json_lines, [b"\n".join(lines)], ())
    yield "CSV", Target(csv, [table], ())
    yield (
        "cursor",
        Target(
            text(lambda said: decode_cursor(said, int)), [encode_cursor(42).encode()], (BadCursor,)
        ),
    )
    yield "settings", Target(text(_settings), [b"STEMMA_PORT=8000", b"STEMMA_WITNESSES="], ())
    address = f"postgresql://u:{SECRET}@h:5432/d?sslmode=require&password={SECRET}".encode()
    yield "address", Target(text(_address), [address], ())


def _settings(said: str) -> None:
    """Any setting may be anything; only a sentence may come of it."""
    name, _, value = said.partition("=")
    for one in {name, *NAMES}:
        if "\0" in value or one == "STEMMA_DATA":
            continue
        try:
            read_settings({one: value})
        except BadSetting:
            continue


def _address(said: str) -> None:
    try:
        read_settings({}, database=said)
    except BadSetting as error:
        must_hide(SECRET, error)


# -- HTTP --------------------------------------------------------------------------------------


class Mistake(Exception):
    """An answer that says the service made a mistake."""


def of_http(service: Service) -> Iterator[tuple[str, Target]]:
    """Requests: paths, queries, headers and bodies, which are never answered with 5xx."""
    app = create_app(service.journal, service.store, service.keys, service.log)
    client = app.test_client()
    document = client.get("/openapi.json").json
    bodies, paths = list[bytes](), list[bytes]()
    for path, item in document["paths"].items():
        filled = re.sub(r"{(\w+)}", "0f0e8e6b-7a3b-4f0b-9c55-2a8e9d0b9c11", path)
        paths.append(f"{filled}?as_of=1&limit=5&q=tide&cursor=WzQyXQ".encode())
        schema = _body_of(item.get("post"), document)
        if schema is not None:
            bodies.append(f"{filled}\n".encode() + told(schema))
    yield "HTTP path", Target(lambda data: _get(client, data), paths, ())
    yield "HTTP body", Target(lambda data: _post(client, data), bodies, ())
    headers = [b"Accept: text/html;q=0.5", b'If-None-Match: "x"', b"Stemma-Signature: a b"]
    headers += [b"Authorization: Bearer x", b"Range: bytes=0-5", b"Cookie: stemma=x; a=b"]
    headers += [b"Content-Type: application/json; charset=utf-8", b"X-Request-Id: 12345678"]
    yield "HTTP header", Target(lambda data: _with_header(client, data), headers, ())


def _body_of(operation: Any, document: Any) -> Any:
    """An example body of an operation."""
    if operation is None or "requestBody" not in operation:
        return None
    content = operation["requestBody"]["content"].get("application/json")
    if content is None:
        return None
    return content.get("example") or _example(content["schema"], document)


def _example(schema: Any, document: Any) -> Any:
    """A value of a schema."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].split("/")[-1]]
    if "examples" in schema:
        return schema["examples"][0]
    fields, items = schema.get("properties", {}), schema.get("items", {})
    made = {
        "object": lambda: {name: _example(one, document) for name, one in fields.items()},
        "array": lambda: [_example(items, document)],
        "integer": lambda: 1,
        "boolean": lambda: True,
    }
    return made.get(str(schema.get("type")), lambda: "x")()


KEY = {"Authorization": f"Bearer {OPERATOR_KEY}"}


def _must_be_no_mistake(status: int, said: bytes) -> None:
    if status >= 500 and status != 503:
        raise Mistake(f"{status} {said[:200]!r}")


def _get(client: FlaskClient, data: bytes) -> None:
    path, _, query = data.decode("latin-1").partition("?")
    answer = client.open(
        path="/" + path.lstrip("/"), query_string=query, headers=KEY, follow_redirects=False
    )
    _must_be_no_mistake(answer.status_code, answer.data)


def _post(client: FlaskClient, data: bytes) -> None:
    path, _, body = data.partition(b"\n")
    answer = client.post(
        "/" + path.decode("latin-1").lstrip("/"),
        data=body,
        headers={**KEY, "Content-Type": "application/json"},
    )
    _must_be_no_mistake(answer.status_code, answer.data)


def _with_header(client: FlaskClient, data: bytes) -> None:
    name, _, value = re.sub(r"[\r\n\0]", "", data.decode("latin-1")).partition(": ")
    if not re.fullmatch(r"[A-Za-z-]+", name) or name.lower() in ("host", "content-length"):
        return
    for path in ("/works", "/", "/log/checkpoint"):
        answer = client.get(path, headers={**KEY, name: value})
        _must_be_no_mistake(answer.status_code, answer.data)
    answer = client.post("/contributors", data=b'{"name":"Ana"}', headers={**KEY, name: value})
    _must_be_no_mistake(answer.status_code, answer.data)


# -- all of them -------------------------------------------------------------------------------


@contextmanager
def targets() -> Iterator[dict[str, Target]]:
    """Every parser by its name."""
    with tempfile.TemporaryDirectory() as folder:
        tables = Path(folder) / "csv"
        tables.mkdir()
        address = f"sqlite:///{folder}/stemma.db"
        with open_service(address, operator_key=OPERATOR_KEY, signer=SIGNER) as service:
            found = [*of_proofs(service)]
            service.follower.catch_up()
            yield dict([*found, *of_values(), *of_files(tables), *of_http(service)])
