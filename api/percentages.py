"""Shares as people type them in forms, converted to exact fractions: 20 % is 1/5, ⅓ is 1/3."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from fractions import Fraction

from api.problems import Problem
from domain.money.policy.reading import exact_share
from domain.refusal import BadRate, BadShare
from domain.remix import exact_rate

_PERCENTAGE = re.compile(r"([0-9]{1,60})(?:[.,]([0-9]{1,20}))?\s*%")
_MIXED = re.compile(r"(?:([0-9]{1,20})\s+)?([0-9]{1,20})\s*/\s*([0-9]{1,20})\s*(%?)")


def exact(text: str) -> str:
    """A percentage or a mixed number as a fraction; any other text as it is."""
    typed = _plain(text).strip()
    if found := _PERCENTAGE.fullmatch(typed):
        return str(Fraction(f"{found[1]}.{found[2] or 0}") / 100)
    if (found := _MIXED.fullmatch(typed)) and int(found[3]):
        whole = int(found[1] or 0) + Fraction(int(found[2]), int(found[3]))
        return str(whole / (100 if found[4] else 1))
    return text.strip()


def rate(text: str) -> str:
    """The same for a part of a whole: more than the whole stays as typed, for its refusal."""
    typed, found = text.strip(), exact(text)
    return found if found == typed or Fraction(found) <= 1 else typed


def must_be_alike(parts: Iterable[str]) -> None:
    """Refuse percentages beside larger numbers: 50 %, which is 1/2, is little beside 30."""
    typed = [one.strip() for one in parts]
    percentages = [one for one in typed if _plain(one).endswith("%")]
    larger = [one for one in typed if one not in percentages and readable(one) > 1]
    if percentages and larger:
        said = f"“{percentages[0]}” is a percentage and “{larger[0]}” is not"
        raise Problem("bad_policy", f"{said}: write “%” with all of them, or with none.")


def _plain(text: str) -> str:
    """The text with ASCII digits: ⅓ becomes 1/3; after an integer, it is a mixed number."""
    apart = "".join(
        f" {one}" if unicodedata.decomposition(one).startswith("<fraction>") else one
        for one in text
    )
    return unicodedata.normalize("NFKC", apart).replace("\u2044", "/")


def joined(text: str) -> str:
    """The text without space between a number and its percent sign."""
    return re.sub(r"(?<=[0-9])\s+%", "%", text)


def part(text: str) -> str:
    """A percentage or fraction from 0 to 1 as exact text; refuses (``BadRate``) anything else."""
    found = exact_rate(rate(text))
    assert found is not None
    return found


def readable(text: str) -> Fraction:
    """A part as a fraction; 0 if it can't be read."""
    with suppress(BadShare):  # not Fraction itself, which takes hours for “1e9999999999”
        return exact_share(exact(text), "")
    return Fraction()


def summed(rates: Iterable[str]) -> tuple[Fraction, int]:
    """The sum of the valid rates, and their number."""
    stated: list[Fraction] = []
    for rate in rates:
        with suppress(BadRate):
            stated += map(Fraction, filter(None, [exact_rate(rate or None)]))
    return sum(stated, Fraction()), len(stated)
