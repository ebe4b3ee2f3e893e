"""A verifier written from ``reference/proofs.md`` and what it cites; nothing of Stemma is imported.

Rule: what can't be written from the page is missing there.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections import defaultdict
from collections.abc import Iterator, Sequence
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Invalid(Exception):
    """What does not hold."""


def must(holds: bool, what: str) -> None:
    if not holds:
        raise Invalid(what)


def hashed(*parts: bytes) -> bytes:
    return sha256(b"".join(parts)).digest()


def base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


# -- trees -------------------------------------------------------------------------------------


def root_of(hashes: Sequence[bytes]) -> bytes:
    """RFC 6962, 2.1."""
    if len(hashes) < 2:
        return hashes[0] if hashes else hashed()
    left = 1 << (len(hashes) - 1).bit_length() - 1
    return hashed(b"\1", root_of(hashes[:left]), root_of(hashes[left:]))


def included(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root of a tree in which the leaf has this path (RFC 9162, 2.1.3.2)."""
    found, last = hashed(b"\0", leaf), size - 1
    must(0 <= index <= last, "the index is outside of the tree")
    for beside in path:
        must(last > 0, "the inclusion proof is too long")
        if index & 1 or index == last:
            found = hashed(b"\1", beside, found)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            found = hashed(b"\1", found, beside)
        index, last = index >> 1, last >> 1
    must(last == 0, "the inclusion proof is too short")
    return found


def grown(old: int, size: int, path: Sequence[bytes], old_root: bytes) -> bytes:
    """The root of the tree that the old one has become (RFC 9162, 2.1.4.2)."""
    must(0 < old <= size, "the log has become smaller")
    if old == size:
        must(not path, "the consistency proof is too long")
        return old_root
    whole, (at, last) = (not old & (old - 1)), (old - 1, size - 1)
    first, *rest = [old_root, *path] if whole else path
    while at & 1:
        at, last = at >> 1, last >> 1
    before = after = first
    for beside in rest:
        must(last > 0, "the consistency proof is too long")
        if at & 1 or at == last:
            before, after = hashed(b"\1", beside, before), hashed(b"\1", beside, after)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            after = hashed(b"\1", after, beside)
        at, last = at >> 1, last >> 1
    must(before == old_root and last == 0, "the log has not only grown")
    return after


def bit(key: bytes, depth: int) -> int:
    return key[depth >> 3] >> 7 - (depth & 7) & 1


def map_root(leaves: Sequence[tuple[bytes, bytes]], depth: int = 0) -> bytes:
    if len(leaves) < 2:
        return hashed(b"\0", *leaves[0]) if leaves else bytes(32)
    sides = ([leaf for leaf in leaves if bit(leaf[0], depth) == side] for side in (0, 1))
    return hashed(b"\1", *(map_root(side, depth + 1) for side in sides))


# -- notes -------------------------------------------------------------------------------------


def opened(note: str, key: str) -> list[str]:
    """The lines of a note that this key has signed."""
    (name, id, public), (text, _, signed) = key.split("+", 2), note.partition("\n\n")
    lines = [line.split(" ") for line in signed.split("\n")]
    must(lines.pop() == [""], "the note does not end with a newline")
    must(all(len(line) == 3 for line in lines), "a line below the note is no signature")
    for _, signer, said in lines:
        signature = b64decode(said)
        if (signer, signature[:4].hex()) == (name, id):
            try:
                made_by = Ed25519PublicKey.from_public_bytes(b64decode(public)[1:])
                made_by.verify(signature[4:], f"{text}\n".encode())
            except InvalidSignature:
                raise Invalid("the signature does not hold") from None
            return text.split("\n")
    raise Invalid("the log has not signed it")


def checkpoint(note: str, key: str) -> tuple[int, bytes]:
    log, size, root = opened(note, key)
    must(log == key.partition("+")[0], "it is another log")
    return int(size), b64decode(root)


def map_of(note: str, key: str, size: int, root: bytes) -> bytes:
    kind, log, of, tree, held = opened(note, key)
    must((kind, log) == ("stemma-map@v1", key.partition("+")[0]), "it is no map of this log")
    must((int(of), b64decode(tree)) == (size, root), "it is the map of another tree")
    return b64decode(held)


def promise(note: str, key: str) -> tuple[int, bytes]:
    """The position and the hash of a leaf that the log has acknowledged."""
    kind, log, position, hash, _ = opened(note, key)
    must((kind, log) == ("stemma-promise@v1", key.partition("+")[0]), "it is no promise")
    return int(position), b64decode(hash)


# -- leaves ------------------------------------------------------------------------------------

Head = tuple[int, int, str]
"""The number, the position and the hash of the latest fact about a subject."""


def place_of(leaf: bytes) -> dict[str, Any]:
    place: dict[str, Any] = json.loads(leaf.partition(b"\n")[0])
    return place


def fact_of(leaf: bytes) -> dict[str, Any]:
    fact: dict[str, Any] = json.loads(leaf.partition(b"\n")[2])
    return fact


def followed(leaf: bytes, subject: str, before: Head = (0, 0, "")) -> Head:
    """The head of a subject after a leaf, which has to name the one before."""
    place = place_of(leaf)
    (link,) = (link for link in place.get("links", ()) if link[0] == subject)
    number, *at = before
    due = [subject, number + 1, *(at if number else ())]
    must(link == due, f"position {place['position']} does not follow fact {number} of {subject}")
    return number + 1, place["position"], b64encode(hashed(b"\0", leaf)).decode()


PREFIXES = ("contributor", "contribution", "outside", "work", "release", "project", "challenge")
FIELDS = (
    *("work", "child", "parent", "contributor", "into", "release", "right_holder"),
    *("project", "challenge", "group", "left", "follower"),
)


def subjects_of(leaf: bytes) -> set[str]:
    """The works, people, projects and challenges to which a leaf has to link."""
    topic, fact = place_of(leaf)["topic"], fact_of(leaf)
    noun = topic.partition(".")[0]
    if noun == "credit" and fact.get("waits_for") == "contributor":
        return set()
    payees = [fact.get("payee"), *(row[0] for row in fact.get("lines", ()))]
    payees += [row[0] for row in fact.get("parts", ())]
    payees += [row[0] for asset in fact.get("assets", ()) for row in asset["shares"]]
    payees += [fact.get("commenter"), *fact.get("commenters", ())]
    named = {fact[name] for name in FIELDS if fact.get(name)}
    named |= {payee for payee in payees if payee and is_id(payee)}
    named |= {place_of(leaf)["originator_id"]} if noun in PREFIXES else set()
    named |= {fact["about"]} if noun == "identifier" else set()
    named |= {*fact["leaders"]} if topic == "project.launched" else set()
    named |= (
        {one["contributor"] for one in fact["among"]}
        if topic.endswith(".divided") and (noun == "contributor")
        else set()
    )
    if noun == "share":
        named.add(fact["payee"].removeprefix("work/"))
    return named


def is_id(payee: str) -> bool:
    return [*map(len, payee.split("-"))] == [8, 4, 4, 4, 12]


# -- files -------------------------------------------------------------------------------------

RECEIPT = "c2sp.org/tlog-proof@v1\n"


def receipt(text: str, key: str) -> bytes:
    """The leaf that is in the log."""
    must(text.startswith(RECEIPT), "it is no receipt")
    head, _, note = text.partition("\n\n")
    _, extra, index, *path = head.split("\n")
    leaf, at = b64decode(extra.removeprefix("extra ")), int(index.removeprefix("index "))
    size, root = checkpoint(note, key)
    must(included(leaf, at, size, [*map(b64decode, path)]) == root, "it is not in the log")
    must(place_of(leaf)["position"] == at + 1, "it names another position")
    return leaf


def history(text: str, key: str, subject: str) -> Head:
    """The last of the facts about a subject, of which only those are missing that are withheld."""
    head: Head = (0, 0, "")
    first, *receipts = text.split(RECEIPT)
    withheld = {int(number) for number in first.split()[1:]}
    for one in receipts:
        leaf = receipt(RECEIPT + one, key)
        (link,) = (link for link in place_of(leaf)["links"] if link[0] == subject)
        if withheld >= {*range(head[0] + 1, link[1])} != set():
            head = (link[1] - 1, link[2], link[3])
        head = followed(leaf, subject, head)
    return head


def as_of(text: str, key: str) -> tuple[int, bytes]:
    head, _, note = text.partition("\n\n")
    kind, old, root, *path = head.split("\n")
    must(kind == "stemma-as-of@v1", "it is no proof as of a position")
    size, old_root = int(old.removeprefix("size ")), b64decode(root.removeprefix("root "))
    now, now_root = checkpoint(note, key)
    must(grown(size, now, [*map(b64decode, path)], old_root) == now_root, "it is another tree")
    return size, old_root


def latest(text: str, key: str, subject: str) -> str:
    """The number and the position of the latest fact about a subject, or “none”."""
    head, said, signatures, note = text.split("\n\n", 3)
    kind, of, fact, *path = head.split("\n")
    must(kind == "stemma-latest@v1", "it is no proof of a latest fact")
    must(of == f"of {subject}", "it is about another")
    place, at, found = fact.removeprefix("fact "), hashed(subject.encode()), bytes(32)
    if place != "none":
        found = hashed(b"\0", at, hashed(place.encode()))
    elif path and path[0].startswith("other "):
        other = b64decode(path.pop(0).removeprefix("other "))
        must(len(other) == 64 and other[:32] != at, "it is no other key")
        beside = (bit(other, depth) == bit(at, depth) for depth in range(len(path)))
        must(all(beside), "the other key is elsewhere")
        found = hashed(b"\0", other)
    for depth, side in zip(range(len(path) - 1, -1, -1), map(b64decode, path), strict=True):
        found = hashed(b"\1", *((side, found) if bit(at, depth) else (found, side)))
    held = map_of(f"{said}\n\n{signatures}\n", key, *checkpoint(note, key))
    must(found == held, "the map holds something else")
    return place


def read(folder: Path, path: str) -> bytes:
    must((folder / path).is_file(), f"{path} is missing")
    return (folder / path).read_bytes()


def tiles(folder: Path, level: int | str, held: int) -> Iterator[bytes]:
    """The tiles of a level that holds so many hashes or leaves (C2SP tlog-tiles)."""
    for number in range(-(-held // 256)):
        width = min(256, held - number * 256)
        path = f"{number % 1000:03}" + (f".p/{width}" if width < 256 else "")
        while number := number // 1000:
            path = f"x{number % 1000:03}/{path}"
        yield read(folder, f"tile/{level}/{path}")


def leaves_in(mirror: Path, size: int) -> Iterator[bytes]:
    for bundle in tiles(mirror, "entries", size):
        at = 0
        while at < len(bundle):
            start = at + 2
            at = start + int.from_bytes(bundle[at:start], "big")
            must(at <= len(bundle), "an entry bundle ends within a leaf")
            yield bundle[start:at]


def mirror(folder: Path, key: str) -> list[bytes]:
    """All leaves of the log: under its root and its tiles, in whole histories, and in its map."""
    size, root = checkpoint(read(folder, "checkpoint").decode(), key)
    leaves, heads = [*leaves_in(folder, size)], dict[str, Head]()
    must(len(leaves) == size, f"{len(leaves)} leaves are not {size}")
    for position, leaf in enumerate(leaves, 1):
        must(place_of(leaf)["position"] == position, f"position {position} holds another")
        linked = [link[0] for link in place_of(leaf).get("links", ())]
        must(subjects_of(leaf) <= {*linked}, f"position {position} is not in every history")
        for subject in linked:
            heads[subject] = followed(leaf, subject, heads.get(subject, (0, 0, "")))
    row, level = [hashed(b"\0", leaf) for leaf in leaves], 0
    must(root_of(row) == root, "the leaves have another root")
    while row:
        cut = [row[at : at + 256] for at in range(0, len(row), 256)]
        same = [*map(b"".join, cut)] == [*tiles(folder, level, len(row))]
        must(same, f"a tile of level {level} does not follow")
        row, level = [root_of(part) for part in cut if len(part) == 256], level + 1
    held = [(hashed(of.encode()), hashed(f"{n} {at}".encode())) for of, (n, at, _) in heads.items()]
    note = read(folder, f"map/{size}").decode()
    must(map_root(held) == map_of(note, key, size, root), "the map does not follow")
    return leaves


def export(lines: Sequence[str], leaves: Sequence[bytes]) -> None:
    """An export holds the facts of the log, and the texts to which they commit."""
    *before, last = lines
    seal, facts = json.loads(last), [json.loads(line) for line in before[1:]]
    sha = sha256("".join(before).encode()).hexdigest()
    must((seal["facts"], seal["sha256"]) == (len(facts), sha), "the export was changed")
    for fact, leaf in zip(facts, leaves, strict=True):
        place, at = place_of(leaf), fact["position"]
        stated = [place[n] for n in ("position", "originator_id", "originator_version", "topic")]
        same = [fact[name] for name in ("position", "id", "version", "topic")] == stated
        must(same and leaf.endswith(b"\n" + fact["state"].encode()), f"fact {at} is another")
        for digest, _, name, salt, text in fact.get("texts", ()):
            must(digest in fact["state"], f"fact {at} does not commit to a text")
            must(digest == digest_of(salt, name, text), f"a text of fact {at} is another")


def digest_of(salt: str, name: str, text: str) -> str:
    array = json.dumps([salt, name, text], ensure_ascii=False, separators=(",", ":"))
    return base64url(hashed(base64url(array.encode()).encode()))


def owed(leaves: Sequence[bytes]) -> dict[tuple[str, str], int]:
    """What every payee is owed, by currency, before merges and claims."""
    found: dict[tuple[str, str], int] = defaultdict(int)
    carried: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    for leaf in leaves:
        topic, fact = place_of(leaf)["topic"], fact_of(leaf)
        if topic.startswith("entry."):
            for payee, given, due, before, *_ in fact["lines"]:
                found[payee, fact["currency"]] += given
                must(carried[fact["pool"], payee] == Fraction(before), f"the carry of {payee}")
                carried[fact["pool"], payee] = Fraction(before) + Fraction(due) - given
            for payee, amount, *_ in fact.get("reserved") or ():
                found[payee, fact["currency"]] -= amount
        if topic in {"payout.issued", "payout.claimed"}:
            sign = -1 if topic == "payout.issued" else 1
            for payee, _, _, amount in fact["parts"]:
                found[payee, fact["currency"]] += sign * amount
    return found
