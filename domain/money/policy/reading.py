"""Reading a policy from JSON: accepted exactly as sent, or refused with the path of the fault.

A share, rate or weight is text, never a JSON number, and an undocumented field is refused, so that
nothing a person wrote is ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import ClassVar, Protocol

from domain.lineage import Lineage
from domain.money.apportionment import MAXIMUM_AMOUNT_DIGITS, common_scale
from domain.money.policy.bounds import bounds
from domain.money.policy.flow import Flow
from domain.money.policy.parts import Parts
from domain.refusal import BadAmount, BadGraph, BadPolicy, BadShare, BadSplit, SplitTooLarge, shown
from domain.remix import MAXIMUM_RATE_LENGTH

MAXIMUM_DEPTH = 16
"""How deep policies may be nested."""
MAXIMUM_NAME_LENGTH = 200

MAXIMUM_COMPUTED_LENGTH = 2 * 4_300
"""The most characters of an exact number that Stemma computed; a person's are fewer."""

_EXACT = re.compile(r"[0-9]+(?:\.[0-9]+|/[0-9]+)?")
_WHOLE = re.compile(rf"[0-9]{{1,{MAXIMUM_AMOUNT_DIGITS}}}")


class Policy(Protocol):
    """A method of dividing an amount."""

    TYPE: ClassVar[str]
    VERSION: ClassVar[int]

    @classmethod
    def read(cls, form: PolicyJson) -> Policy:
        """The policy that a form describes; refuses what is not one."""

    def parts(self, amount: Fraction, graph: Lineage[str] | None, flow: Flow) -> Parts:
        """Everyone's part of a non-negative amount, including parts of 0.

        A policy with running totals reads them from the flow, and adds to them there.
        """


def exact_share(value: object, where: str, longest: int = MAXIMUM_RATE_LENGTH) -> Fraction:
    """A share or weight from its text, which is exact and not negative; else ``BadShare``."""
    if not isinstance(value, str):
        raise BadShare(where, value, 'it must be text, such as "1/3" or "0.25"')
    if value.startswith("-"):
        raise BadShare(where, value, "it is negative")
    if len(value) > longest or not _EXACT.fullmatch(value):
        raise BadShare(where, value, 'it is not an exact number such as "1/3" or "0.25"')
    try:
        return Fraction(value)
    except ZeroDivisionError:
        raise BadShare(where, value, "it divides by zero") from None
    except ValueError:
        raise BadShare(where, value, "it has too many digits") from None


def part_of_whole(value: object, where: str) -> Fraction:
    """A share from 0 to 1."""
    share = exact_share(value, where)
    if share > 1:
        raise BadShare(where, value, "it is more than 1")
    return share


def units_minor(value: object, where: str) -> int:
    """A non-negative whole number of units: a JSON integer, or its digits as text."""
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        if 0 <= value < 10**MAXIMUM_AMOUNT_DIGITS:
            return value
        reason = f"{where} must be at least 0, with at most {MAXIMUM_AMOUNT_DIGITS} digits"
    else:
        reason = f"{where} must be a whole number of units"
    raise BadAmount(value, reason, where=where)


def name_of(
    value: object,
    where: str,
    refusal: type[BadSplit | BadPolicy | BadGraph],
    longest: int = MAXIMUM_NAME_LENGTH,
) -> str:
    """A name: text that fits on one line and does not start or end with a space."""
    if not isinstance(value, str):
        raise refusal(where, "a name must be text")
    if not 0 < len(value) <= longest:
        raise refusal(where, f"a name has 1 to {longest} characters")
    if not value.isprintable() or value != value.strip():
        raise refusal(where, "a name has no control characters and no space around it")
    return value


def list_of(
    value: object, where: str, refusal: type[BadSplit | BadPolicy | BadGraph]
) -> Sequence[object]:
    """A JSON list."""
    if not isinstance(value, list | tuple):
        raise refusal(where, "this is a list")
    return value


def fields_of(
    value: object,
    where: str,
    refusal: type[BadSplit | BadPolicy | BadGraph],
    *,
    needed: Iterable[str],
    optional: Iterable[str],
) -> Mapping[str, object]:
    """A JSON object with exactly these fields."""
    if not isinstance(value, Mapping):
        raise refusal(where, "this is an object")
    needed = tuple(needed)
    known = (*needed, *optional)
    for name in value:
        if name not in known:
            raise refusal(where, f"there is no field “{shown(name)}”, only {', '.join(known)}")
    for name in needed:
        if name not in value:
            raise refusal(where, f"the field “{name}” is missing")
    return value


@dataclass
class UsedBounds:
    """How much the policies read so far have used of ``domain.money.policy.bounds``."""

    entries: int = 0
    steps: int = 0

    def entry(self, count: int = 1) -> None:
        """Count entries of lists."""
        self.entries += count
        if self.entries > (most := bounds().entries):
            raise SplitTooLarge("entries in a policy", most)

    def step(self, count: int) -> None:
        """Count the edges that will be looked at."""
        self.steps += count
        if self.steps > (most := bounds().steps):
            raise SplitTooLarge("edges to visit, over all policies,", most)


@dataclass(frozen=True)
class PolicyEntry:
    """One line of a policy: a name, a share, and a policy that divides it further, if any."""

    name: str
    share: Fraction
    then: Policy | None = None

    def parts(self, amount: Fraction, graph: Lineage[str] | None, flow: Flow) -> Parts:
        """The amount for the payee of that name, or divided by the policy."""
        if self.then is not None:
            return self.then.parts(amount, graph, flow)
        return Parts({self.name: amount.numerator}, amount.denominator)


Versions = Mapping[tuple[str, int], type[Policy]]
AgreedShares = Sequence[tuple[str, Fraction]]
"""Payees, each once, with exact shares that sum to 1."""


@dataclass(frozen=True)
class Given:
    """What reading a policy depends on besides its JSON."""

    versions: Versions
    graph: Lineage[str] | None = None
    agreed: AgreedShares = ()
    spent: UsedBounds = field(default_factory=UsedBounds)


@dataclass(frozen=True)
class PolicyJson:
    """The JSON of one policy, with its path; every method refuses with the path of the fault."""

    value: Mapping[str, object]
    where: str
    """Its path, such as ``policy.then``."""
    given: Given
    depth: int = 0

    def fields(self, *needed: str, optional: Iterable[str] = ()) -> Mapping[str, object]:
        """The fields of this policy, which may have only these besides its type and version."""
        return fields_of(
            self.value,
            self.where,
            BadPolicy,
            needed=("type", *needed),
            optional=("version", *optional),
        )

    def at(self, path: str) -> str:
        """The full path of a path within this policy (``then`` → ``policy.then``), for refusals."""
        return f"{self.where}.{path}"

    def name(self, value: object, path: str) -> str:
        """A name in this form."""
        return name_of(value, self.at(path), BadPolicy)

    def listed(self, value: object, path: str) -> Sequence[object]:
        """A non-empty list; its entries count against the bounds."""
        entries = list_of(value, self.at(path), BadPolicy)
        if not entries:
            raise BadPolicy(self.at(path), "this list is empty")
        self.given.spent.entry(len(entries))
        return entries

    def each(self, value: object, path: str) -> Iterator[tuple[str, object]]:
        """The entries of a non-empty list, each with its path."""
        for index, entry in enumerate(self.listed(value, path)):
            yield f"{path}[{index}]", entry

    def objects(
        self, value: object, path: str, *needed: str, optional: Iterable[str] = ()
    ) -> Iterator[tuple[str, Mapping[str, object]]]:
        """A non-empty list of objects with exactly these fields, each with its path."""
        for here, line in self.each(value, path):
            yield here, fields_of(line, self.at(here), BadPolicy, needed=needed, optional=optional)

    def rows(
        self, value: object, path: str, form: str, *sizes: int
    ) -> Iterator[tuple[str, Sequence[object]]]:
        """A non-empty list of rows of one of these sizes; ``form`` is the reason of a refusal."""
        for here, line in self.each(value, path):
            row = list_of(line, self.at(here), BadPolicy)
            if len(row) not in sizes:
                raise BadPolicy(self.at(here), form)
            yield here, row

    def entries(
        self,
        value: object,
        path: str,
        *,
        has_share: bool = True,
        longest: int = MAXIMUM_RATE_LENGTH,
    ) -> tuple[PolicyEntry, ...]:
        """A list of ``[name, share]`` or ``[name, share, policy]``, no name twice.

        Without shares it is a list of ``name`` or ``[name, policy]``.
        """
        entries = []
        for here, line in self.each(value, path):
            fields = [line] if not has_share and isinstance(line, str) else line
            fields = list_of(fields, self.at(here), BadPolicy)
            least = 2 if has_share else 1
            if not least <= len(fields) <= least + 1:
                form = "[name, share] or [name, share, policy]" if has_share else "[name, policy]"
                raise BadPolicy(self.at(here), f"this must be {form}")
            name = self.name(fields[0], here)
            at = self.at(f"{here} ({name})")
            share = exact_share(fields[1], at, longest) if has_share else Fraction(1)
            then = self.policy(fields[-1], here) if len(fields) > least else None
            entries.append(PolicyEntry(name, share, then))
        self.once((entry.name for entry in entries), path)
        # Refused here if they are too long together, before sums of them are computed.
        common_scale(entry.share.denominator for entry in entries)
        return tuple(entries)

    def once(self, names: Iterable[str], path: str) -> None:
        """Refuse a name that is listed twice."""
        seen: set[str] = set()
        for name in names:
            if name in seen:
                raise BadPolicy(self.at(path), f"“{name}” is listed twice")
            seen.add(name)

    def flag(self, value: object, path: str) -> bool:
        """True or false."""
        if not isinstance(value, bool):
            raise BadPolicy(self.at(path), "this must be true or false")
        return value

    def minor_by_name(self, value: object, path: str, known: Iterable[str]) -> dict[str, int]:
        """Units by name, each name one of those known."""
        names = set(known)
        if not isinstance(value, Mapping):
            raise BadPolicy(self.at(path), "this must be an object of units by name")
        for name in value:
            if name not in names:
                raise BadPolicy(self.at(path), f"“{shown(name)}” is not one of those listed")
        return {
            name: units_minor(units, self.at(f"{path} ({name})")) for name, units in value.items()
        }

    def policy(self, value: object, path: str) -> Policy:
        """A policy inside this one.

        A name alone gives that payee everything; a list is the shares of ``fixed``.
        """
        if isinstance(value, str):
            value = [[value, "1"]]
        if isinstance(value, list | tuple):
            value = {"type": "fixed", "version": 1, "shares": value}
        return read_policy(value, self.at(path), self.given, self.depth + 1)


def read_policy(value: object, where: str, given: Given, depth: int = 0) -> Policy:
    """The policy as it was sent, by the rules of the version it names."""
    if depth > MAXIMUM_DEPTH:
        raise SplitTooLarge("nested policies", MAXIMUM_DEPTH)
    if not isinstance(value, Mapping):
        raise BadPolicy(where, "a policy must be an object with a type")
    given.spent.entry()
    if "type" not in value:
        raise BadPolicy(where, "the field “type” is missing")
    kind, version = value["type"], value.get("version", 1)
    if not isinstance(version, int) or isinstance(version, bool):
        raise BadPolicy(where, "the version must be a whole number")
    if not isinstance(kind, str) or (kind, version) not in given.versions:
        known = ", ".join(f"{kind} {version}" for kind, version in sorted(given.versions))
        raise BadPolicy(
            where, f"there is no policy “{shown(kind)} {shown(version)}”; there are {known}"
        )
    return given.versions[kind, version].read(PolicyJson(value, where, given, depth))
