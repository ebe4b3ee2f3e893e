"""A policy of trust: which logs, which witnesses, and how many of these must have seen a tree.

Follows C2SP tlog-policy; a key of a kind that is not understood here is kept as text, so that a
policy made for others can still be used as far as it goes.

This file depends only on the standard library and the files that check a receipt.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from domain.note import UnknownKeyKind, VerifierKey
from domain.tree import NotVerified

NONE = "none"
_CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")
"""tlog-policy, section “Character set”: of these only tab and newline."""
_BLANKS = re.compile("[ \t]+")


class Misused(NotVerified):
    """A key, policy or file of another kind, or options that exclude each other: no verdict."""


class Party(NamedTuple):
    """A log or a witness: its key, and where it is."""

    key: VerifierKey | None
    """None if its kind is unknown here."""
    text: str
    """The key as it is spelled in the policy."""
    url: str = ""


class Group(NamedTuple):
    """At least ``needed`` of these witnesses and groups."""

    needed: int
    members: tuple[str, ...]


@dataclass
class WitnessPolicy:
    """What makes a checkpoint valid."""

    logs: list[Party] = field(default_factory=list)
    witnesses: dict[str, Party] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    quorum: str | None = None

    @property
    def witness_keys(self) -> list[VerifierKey]:
        """The keys of witnesses that are understood here."""
        return [one.key for one in self.witnesses.values() if one.key is not None]

    @property
    def unknown(self) -> list[str]:
        """The keys that are not understood here."""
        return [one.text for one in (*self.logs, *self.witnesses.values()) if one.key is None]

    @property
    def needs_witnesses(self) -> bool:
        """Whether a checkpoint needs any cosignature."""
        return self.quorum != NONE

    def is_met(self, seen: Collection[VerifierKey]) -> bool:
        """Whether the witnesses with these keys are enough."""
        return self.quorum == NONE or self._has_seen(str(self.quorum), seen)

    def _has_seen(self, name: str, seen: Collection[VerifierKey]) -> bool:
        if name in self.witnesses:
            return self.witnesses[name].key in seen
        needed, members = self.groups[name]
        return sum(self._has_seen(member, seen) for member in members) >= needed


def read_policy(data: bytes) -> WitnessPolicy:
    """The policy in a file; raises Misused, with the line, if it is malformed."""
    policy, used = WitnessPolicy(), set[str]()
    for number, line in enumerate(data.split(b"\n"), start=1):
        try:
            if found := _CONTROL.search(line):
                raise NotVerified(f"it has the control character {found.group()!r}")
            # Octets that are not ASCII are opaque, and stay what they are.
            _read_line(policy, used, line.decode("utf-8", "surrogateescape").strip(" \t"))
        except NotVerified as problem:
            raise Misused(f"line {number} of the policy: {problem}") from problem
    if policy.quorum is None:
        raise Misused("the policy has no line with its quorum")
    return policy


def _read_line(policy: WitnessPolicy, used: set[str], line: str) -> None:
    if not line or line.startswith("#"):
        return
    match _BLANKS.split(line):
        case ["log", key, *url] if len(url) <= 1:
            policy.logs.append(_new(policy.logs, key, *url))
        case ["witness", name, key, *url] if len(url) <= 1:
            _must_be_free(policy, name)
            policy.witnesses[name] = _new(policy.witnesses.values(), key, *url)
        case ["group", name, needed, *members] if members:
            _must_be_free(policy, name)
            policy.groups[name] = _group(policy, used, needed, members)
        case ["quorum", name] if policy.quorum is None:
            if name != NONE:
                _must_be_defined(policy, name)
            policy.quorum = name
        case ["quorum", _]:
            raise NotVerified("a policy has one quorum")
        case [what, *_]:
            raise NotVerified(f"“{what}” is not a line of this form")


def _new(known: Iterable[Party], text: str, url: str = "") -> Party:
    """A log or witness, whose key no other one may have."""
    try:
        key = VerifierKey.parse(text)
    except UnknownKeyKind:
        key = None
    if _public(text) in (_public(one.text) for one in known):
        raise NotVerified("this key is there already")
    return Party(key, text, url)


def _public(text: str) -> bytes:
    """The key itself, without name, id and kind: under two names it is still one (“duplicate”)."""
    return b64decode(text.split("+", 2)[-1])[1:]


def _must_be_free(policy: WitnessPolicy, name: str) -> None:
    if name == NONE or name in policy.witnesses or name in policy.groups:
        raise NotVerified(f"the name “{name}” is taken")


def _must_be_defined(policy: WitnessPolicy, name: str) -> None:
    if name not in policy.witnesses and name not in policy.groups:
        raise NotVerified(f"“{name}” is not defined above")


def _group(policy: WitnessPolicy, used: set[str], needed: str, members: list[str]) -> Group:
    for member in members:
        _must_be_defined(policy, member)
        if member in used:
            raise NotVerified(f"“{member}” is in a group already")
        used.add(member)
    words = {"all": len(members), "any": 1}
    if needed not in words and not re.fullmatch("[1-9][0-9]{0,3}", needed):
        raise NotVerified(f"“{needed}” is no number of members")
    count = words.get(needed) or int(needed)
    if count > len(members):
        raise NotVerified(f"{count} of {len(members)} members cannot be")
    return Group(count, tuple(members))


def trusted_by(
    data: bytes | None, witnesses: Sequence[VerifierKey], quorum: int | None
) -> tuple[list[VerifierKey], dict[str, Any]]:
    """The keys of logs in a policy, and the options of ``open_checkpoint`` for its witnesses.

    Without a policy, so many of the witnesses that are named. Misused for both: what is named
    besides a policy would seem to be asked for.
    """
    if data is None:
        return [], {"witnesses": witnesses, "quorum": quorum}
    if witnesses or quorum is not None:
        raise Misused("the policy says which witnesses are needed: name none besides it")
    policy = read_policy(data)
    logs = [one.key for one in policy.logs if one.key is not None]
    return logs, {"witnesses": policy.witness_keys, "quorum": policy.is_met}
