"""The hash chain of each work and each person: every fact about one links to the fact before it.

The facts about a subject are numbered from 1 without gaps, and each names the position and the leaf
hash of the one before. So a fact that is left out of a history is noticed.

The links are part of a leaf, and so under the signature of the log. This file depends only
on the standard library and the files that check a receipt.
"""

from __future__ import annotations

import json
from base64 import b64encode
from binascii import b2a_base64
from collections.abc import Collection, Iterable, Iterator, MutableMapping, Sequence
from typing import Any, NamedTuple, Never

from domain.money.payee import Payee, people_among
from domain.note import VerifierKey
from domain.receipt import Leaf, Link, spell_leaf, spell_link
from domain.signature import check_signature, must_be_key_of, must_be_signed_for
from domain.stated import ENVELOPE
from domain.tree import NotVerified, leaf_hash

SUBJECTS = (
    *("contributor", "contribution", "outside", "work", "release"),
    *("project", "challenge"),
)
"""The nouns with a history; the facts of all other nouns are about these."""
NAMES = (
    *("work", "child", "parent", "contributor", "into", "release", "right_holder"),
    *("project", "challenge", "group", "left", "follower"),
)
"""The fields whose value is a subject of the fact."""


class Head(NamedTuple):
    """The latest fact about a subject: its number, its position, and its leaf's hash in base64."""

    number: int
    position: int
    hash: str


def link_facts(
    facts: Iterable[tuple[int, str, int, str, bytes]],
    about: Iterable[Collection[str]],
    heads: MutableMapping[str, tuple[int, int, str]],
) -> Iterator[str]:
    """The links of the next facts, as their leaves spell them; ``about`` gives their subjects.

    ``heads`` must hold the head of every subject that has facts already, and is updated.
    """
    for fact, subjects in zip(facts, about, strict=True):
        links, numbers = [], {}
        for subject in subjects:
            if subject not in numbers:
                number, previous, hash = heads.get(subject, NONE)
                links.append(spell_link(subject, number + 1, previous, hash))
                numbers[subject] = number + 1
        spelled = f"[{','.join(links)}]"
        leaf = leaf_hash(spell_leaf(*fact, spelled))
        hash = b2a_base64(leaf, newline=False).decode()
        for subject, number in numbers.items():
            heads[subject] = (number, fact[0], hash)
        yield spelled


NONE = (0, 0, "")


# -- checking ------------------------------------------------------------------------------------


class Chains:
    """The chains of a log that is read leaf by leaf, from its first one."""

    def __init__(self, logs: Collection[str] = ()) -> None:
        self.heads: dict[str, Head] = {}
        self.signatures = Signatures(logs)

    def follow(self, leaf: Leaf, hash: bytes) -> None:
        """Read the next leaf; raises NotVerified unless it links to each subject's head."""
        for link in leaf.links:
            must_follow(link, leaf.position, self.heads.get(link.subject))
            self.heads[link.subject] = _head(link, leaf, hash)
        linked, content = {link.subject for link in leaf.links}, content_of(leaf)
        if missing := sorted(named_in(leaf, content) - linked):
            raise NotVerified(
                f"position {leaf.position} is about {missing[0]} but is not in its history"
            )
        self.signatures.follow(leaf, content)


OF_KEYS = ("contributor.key_registered", "contributor.key_revoked", "contributor.forgotten")
_SIGNED = (b'"message":', b'"signature":', b'"binds":')


def concerns_keys(topic: str, state: bytes) -> bool:
    """Whether a stored fact is signed, or changes the keys of an actor."""
    return topic in OF_KEYS or any(map(state.__contains__, _SIGNED))


class Signatures:
    """The signatures of actors in a log that is read leaf by leaf, and the keys in it."""

    def __init__(self, logs: Collection[str] = ()) -> None:
        self.logs = logs
        """The names of logs for which signatures may be; empty: any."""
        self.keys: dict[str, list[VerifierKey]] = {}
        self.messages: dict[str, int] = {}
        """By message: the position of the latest fact that was signed with it."""
        self._held: tuple[object, ...] = ()

    def follow(self, leaf: Leaf, content: dict[str, Any]) -> None:
        """Read the next leaf; raises NotVerified if it is signed, but by no key valid there."""
        if not {"message", "signature", "binds"}.isdisjoint(content):
            try:
                self._must_hold(leaf, content)
            except NotVerified as problem:
                raise NotVerified(f"position {leaf.position}: {problem}") from None
        self._keep_keys(leaf, content)

    def _must_hold(self, leaf: Leaf, content: dict[str, Any]) -> None:
        bound = must_be_signed_for(content, leaf.topic, leaf.originator_id, self.logs)
        actor, signed, signature = content["actor"], content["message"], content["signature"]
        # The facts of one command are next to each other.
        before = self.messages.get(signed, leaf.position - 1)
        if before != leaf.position - 1:
            raise NotVerified(f"it reuses the signature of position {before}")
        self.messages[signed] = leaf.position
        # Checked once for a command: its first fact may revoke the key (somebody is forgotten).
        if self._held != (held := (actor, signed, signature, bound)):
            check_signature(actor, signed, signature, self.keys.get(actor, ()), bound)
            self._held = held

    def _keep_keys(self, leaf: Leaf, content: dict[str, Any]) -> None:
        person = leaf.originator_id
        match leaf.topic:
            case "contributor.key_registered":
                key = must_be_key_of(person, str(content.get("key")))
                self.keys.setdefault(person, []).append(key)
            case "contributor.key_revoked":
                known = self.keys.get(person, ())
                self.keys[person] = [key for key in known if str(key) != content.get("key")]
            case "contributor.forgotten":
                self.keys.pop(person, None)


def must_follow(link: Link, position: int, before: Head | None) -> None:
    """Raise NotVerified unless a link at a position continues the subject's chain (``before``)."""
    number = 0 if before is None else before.number
    if link.number > number + 1:
        raise NotVerified(
            f"fact {number + 1} of {link.subject} is missing: position {position} is fact "
            f"{link.number} and follows position {link.previous}"
        )
    if link.number <= number:
        raise NotVerified(f"position {position} repeats fact {link.number} of {link.subject}")
    if before is not None and (link.previous, b64encode(link.hash).decode()) != before[1:]:
        raise NotVerified(
            f"fact {link.number} of {link.subject} does not follow the one before it, "
            f"at position {before.position}"
        )


def must_be_whole(
    subject: str, leaves: Sequence[Leaf], hashes: Sequence[bytes], withheld: Collection[int] = ()
) -> None:
    """Raise NotVerified, naming the number, unless these are the facts 1 to n about a subject.

    Those withheld from the reader may be missing; the number of the next fact proves how many or,
    of the last ones, the proof of the latest.
    """
    before: Head | None = None
    for leaf, hash in zip(leaves, hashes, strict=True):
        link = leaf.link_to(subject)
        if link.number in withheld:
            raise NotVerified(f"fact {link.number} of {subject} is here, and said to be withheld")
        must_follow(link, leaf.position, _after_withheld(link, before, withheld))
        before = _head(link, leaf, hash)
    shown = 0 if before is None else before.number
    last = [number for number in sorted(withheld) if number > shown]
    for number, said in enumerate(last, start=shown + 1):
        if said != number:
            raise NotVerified(f"fact {number} of {subject} is missing: fact {said} is withheld")


def _after_withheld(link: Link, before: Head | None, withheld: Collection[int]) -> Head | None:
    """The head after a gap of withheld facts, as the fact after the gap states it."""
    number, position = (0, 0) if before is None else (before.number, before.position)
    if link.number - 1 not in withheld or not position < link.previous:
        return before
    while number + 1 in withheld:
        number += 1
    return Head(number, link.previous, b64encode(link.hash).decode())


def _head(link: Link, leaf: Leaf, hash: bytes) -> Head:
    return Head(link.number, leaf.position, b64encode(hash).decode())


def named_in(leaf: Leaf, content: dict[str, Any]) -> set[str]:
    """The subjects that a fact names in its fields, to all of which it must link.

    Raises NotVerified for fields that no fact of its kind can have.
    """
    try:
        return _named_in(leaf, content)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise NotVerified(f"position {leaf.position} holds no {leaf.topic}") from error


def _named_in(leaf: Leaf, content: dict[str, Any]) -> set[str]:
    if leaf.topic.startswith("credit.") and content.get("waits_for") == "contributor":
        return set()  # it is in no history until the credited person has agreed
    named = {content[name] for name in NAMES if isinstance(content.get(name), str)}
    if leaf.topic.partition(".")[0] in SUBJECTS:
        named.add(leaf.originator_id)
    if leaf.topic == "project.launched":
        named.update(content.get("leaders", ()))
    if leaf.topic == "contributor.divided":
        named.update(each["contributor"] for each in content.get("among", ()))
    if leaf.topic.startswith("identifier."):
        named.add(str(content.get("about")))
    if leaf.topic.startswith("share."):  # also of a work, whose maker claimed it
        named.add(Payee.parse(str(content.get("payee"))).id)
    return named.union(people_among(_concerned(content)))


def _concerned(content: dict[str, Any]) -> Iterator[str]:
    """The people named by a fact about money: payees, and authors of the comments it answers."""
    shares = (share for asset in content.get("assets", ()) for share in asset["shares"])
    rows = (*content.get("lines", ()), *content.get("parts", ()), *shares)
    yield from (str(payee) for payee, *_ in rows)
    yield from content.get("commenters", ())
    yield from (str(content.get(name)) for name in ("payee", "commenter"))


def _not_whole(number: str) -> Never:
    """Refuse fractions and NaN, which no fact holds and JSON readers treat differently."""
    raise ValueError(f"{number} is no whole number")


def content_of(leaf: Leaf) -> dict[str, Any]:
    """The fields of a fact; raises NotVerified for JSON that is ambiguous or no fact."""
    try:
        content = json.loads(leaf.state, parse_float=_not_whole, parse_constant=_not_whole)
        spelled = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        content, spelled = None, b""
    if not isinstance(content, dict) or not all(
        isinstance(content.get(name, ""), str) for name in ENVELOPE
    ):
        raise NotVerified(f"position {leaf.position} holds no fact")
    if spelled != leaf.state:
        raise NotVerified(f"the fact at position {leaf.position} is not in its only spelling")
    return content
