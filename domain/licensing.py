"""What licences ask for and allow: of one work, and of a work made from others.

Creative Commons licences are taken apart into their elements; of any other licence only the name is
known, and it conflicts with nothing. Several that hold together ask for what each does. Each rule
names its source.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple
from unicodedata import normalize

COLLECTED = ("component", "influence")
"""The kinds of remix that adapt nothing: a whole work in a collection, and mere influence."""
COMPATIBLE = {"BY-SA": ("LAL-1.3", "GPL-3.0-only", "GPL-3.0-or-later")}
"""Other licences under which an adaptation of a ShareAlike work may be shared.
Source: creativecommons.org/share-your-work/licensing-considerations/compatible-licenses."""


class Rule(NamedTuple):
    """Why a work may not be shared under its licence, or sold."""

    says: str
    source: str


RULES = {
    "no_derivatives": Rule(
        "The source may be shared only unchanged, and this was made from it.",
        "CC BY-ND 4.0, section 2(a)(1)",
    ),
    "share_alike": Rule(
        "What is made from the source must have the same licence, a later version of it or a "
        "compatible one.",
        "CC BY-SA 4.0, section 3(b)",
    ),
    "non_commercial_dropped": Rule(
        "The source may not be used commercially, and the licence of this does not say so.",
        "Creative Commons, adapter’s licence chart",
    ),
    "attribution_dropped": Rule(
        "The source asks for attribution, and the licence of this does not.",
        "CC BY 4.0, section 3(a)(4)",
    ),
    "incompatible_sources": Rule(
        "There is no licence under which something made from both sources may be shared.",
        "Creative Commons, remix chart",
    ),
    "non_commercial": Rule(
        "The source may not be used commercially, so nothing made from it may be sold.",
        "CC BY-NC 4.0, sections 1(i) and 2(a)(1)",
    ),
}
"""Every conflict by its code."""


class Terms(NamedTuple):
    """A licence."""

    name: str
    """Its SPDX id, or the text as stated."""
    elements: frozenset[str] | None = None
    """BY, NC, ND and SA, as far as it has them; None if it is not of Creative Commons."""
    version: str = ""
    address: str | None = None

    @property
    def code(self) -> str:
        """The elements as Creative Commons writes them; empty for the public domain."""
        return "-".join(one for one in _ELEMENTS if one in (self.elements or ()))


_ELEMENTS = ("BY", "NC", "ND", "SA")
_CODE = r"by(?:-nc)?(?:-nd|-sa)?|by-nd-nc"  # the last is how version 1.0 wrote it
_EARLY = r"sa|nd|nc|nc-sa|nd-nc|(?:nc-)?sampling\+|sampling"
"""Those of version 1.0 alone, which are retired: without attribution, and for samples."""
_CC = re.compile(
    rf"(?:cc[ -]?)?(?P<code>{_CODE})[ -](?P<version>\d\.\d)(?P<ported>[ -][a-z]{{2,3}})?\Z"
    rf"|(?:https?://)?(?:www\.)?creativecommons\.org/licenses/(?P<in_address>{_CODE}|{_EARLY})/"
    r"(?P<of_address>\d\.\d)(?:/(?P<place>[a-z]{2,3}))?(?:/.*)?\Z"
    rf"|cc[ -](?P<alone>{_CODE})\Z"
    rf"|cc[ -](?P<early>{_EARLY})[ -](?P<of_early>1\.0)\Z",
    re.IGNORECASE,
)
_IN_WORDS = {
    "attribution": "by",
    "non[ -]?commercial": "nc",
    "no[ -]?deriv(?:ative)?s(?: works)?": "nd",
    "share[ -]?alike": "sa",
    "sampling plus": "sampling+",
}
_TITLE = re.compile(
    rf"(?:creative commons |cc[ -])?(?P<words>(?:(?:{'|'.join(_IN_WORDS)})[ -]?)+?)"
    r",?(?: (?P<version>\d\.\d))?(?: (?:international|unported|generic))?"
    r"(?: public)?(?: licen[cs]e)?\Z",
    re.IGNORECASE,
)
"""What Creative Commons calls a licence in full."""
_FREE = {
    "cc0": ("CC0-1.0", "zero"),
    "cc0-1.0": ("CC0-1.0", "zero"),
    "cc0 1.0": ("CC0-1.0", "zero"),
    "cc0 1.0 universal": ("CC0-1.0", "zero"),
    "cc-zero": ("CC0-1.0", "zero"),
    "creative commons zero": ("CC0-1.0", "zero"),
    "creative commons zero v1.0 universal": ("CC0-1.0", "zero"),
    "cc-pdm-1.0": ("CC-PDM-1.0", "mark"),
}
_FREE_AT = re.compile(
    r"(?:https?://)?(?:www\.)?creativecommons\.org/publicdomain/(zero|mark)/1\.0(?:/.*)?\Z",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def terms_of(stated: str) -> Terms:
    """A licence by its SPDX id or expression, its Creative Commons name or its address."""
    text = _spelled(stated)
    if found := _CC.match(text):
        codes = found["code"], found["in_address"], found["alone"], found["early"]
        code = next(filter(None, codes)).lower()
        version = found["version"] or found["of_address"] or found["of_early"]
        if version is None:
            return Terms(f"CC-{code.upper()}", _elements_of(code))
        place = (found["ported"] or found["place"] or "").lstrip(" -")
        name = f"CC-{code.upper()}-{version}" + (f"-{place.upper()}" if place else "")
        address = f"https://creativecommons.org/licenses/{code}/{version}/"
        address += f"{place.lower()}/" if place else ""
        return Terms(name, _elements_of(code), version, address)
    free = _FREE.get(text.casefold())
    if free is None and (found := _FREE_AT.match(text)):
        free = next(one for one in _FREE.values() if one[1] == found[1].lower())
    if free is not None:
        address = f"https://creativecommons.org/publicdomain/{free[1]}/1.0/"
        return Terms(free[0], frozenset(), "1.0", address)
    return _by_spdx(text)


def _elements_of(code: str) -> frozenset[str]:
    """What a code is made of; who samples under a licence for samples names whom they sampled."""
    return frozenset("BY" if one.startswith("SAMPLING") else one for one in code.upper().split("-"))


def _spelled(stated: str) -> str:
    """A licence with plain hyphens and spaces; a full title, or an address of SPDX, as its code."""
    plain = re.sub("[\u2010-\u2015\u2212]", "-", normalize("NFKC", stated))
    text = re.sub(r"https?://spdx\.org/licenses/(.+?)(\.html)?\Z", r"\1", " ".join(plain.split()))
    found = _TITLE.match(text)
    if found is None or not (found["version"] or text.casefold().startswith("creative commons")):
        return text
    said = [
        code for words, code in _IN_WORDS.items() if re.search(words, found["words"], re.IGNORECASE)
    ]
    return "-".join(("cc", *said, *filter(None, (found["version"],))))


def is_same(stated: str | None, other: str) -> bool:
    """Whether two texts name the same licence."""
    return stated is not None and terms_of(stated).name == terms_of(other).name


def _by_spdx(text: str) -> Terms:
    """A licence of the SPDX list, else terms of which only the name is known."""
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    try:
        name = str(canonicalize_license_expression(text))
    except InvalidLicenseExpression:
        return Terms(text)
    if " AND " in name and " OR " not in name:
        # All of them hold. Of several to choose from, one may allow what another forbids.
        every = [terms_of(one) for one in name.strip("()").split(" AND ")]
        known = [one for one in every if one.elements is not None]
        asked = frozenset[str]().union(*(one.elements or () for one in known))
        return Terms(
            name, asked if known else None, max((one.version for one in known), default="")
        )
    is_one = " " not in name and not name.startswith("LicenseRef-")
    return Terms(name, address=f"https://spdx.org/licenses/{name}.html" if is_one else None)


def broken(parent: Terms, child: Terms | None, kind: str) -> Iterator[str]:
    """The rules that one remix breaks, given the licence of the child as far as it is stated."""
    if parent.elements is None or kind in COLLECTED:
        return
    if "ND" in parent.elements:
        yield "no_derivatives"
    elif child is None:
        return
    elif "SA" in parent.elements:
        if not _is_alike(parent, child):
            yield "share_alike"
    elif child.elements is not None:
        if "NC" in parent.elements and "NC" not in child.elements:
            yield "non_commercial_dropped"
        if "BY" in parent.elements and "BY" not in child.elements:
            yield "attribution_dropped"


def _is_alike(parent: Terms, child: Terms) -> bool:
    if child.elements == parent.elements:
        return not (child.version and parent.version) or child.version >= parent.version
    return child.name in COMPATIBLE.get(parent.code, ())


def cannot_be_joined(parents: Iterable[Terms]) -> tuple[Terms, Terms] | None:
    """Two licences under which nothing made from both sources may be shared, if there are any."""
    adaptable = [one for one in parents if one.elements and "ND" not in one.elements]
    for one, other in combinations(dict.fromkeys(adaptable), 2):
        if not any(_allows(one, code) and _allows(other, code) for code in _EVERY):
            return one, other
    return None


def _allows(parent: Terms, code: str) -> bool:
    return not any(broken(parent, terms_of(f"CC-{code}-4.0"), "adaptation"))


_EVERY = ("BY", "BY-NC", "BY-NC-ND", "BY-NC-SA", "BY-ND", "BY-SA")
"""The licences of Creative Commons that something made from others can have."""
