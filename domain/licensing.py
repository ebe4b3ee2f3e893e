"""Reading licences, and the rules for works made from licensed works.

Creative Commons licences are read as their elements (BY, NC, ND, SA); of any other licence only the
name is known, and it conflicts with nothing. Licences that apply together all have to be met; of
alternatives, one has to allow it. Each rule names its source.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple
from unicodedata import normalize

COLLECTED = ("component", "influence")
"""The kinds of remix that are no adaptations: a whole work in a collection, and mere influence."""
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


class Licence(NamedTuple):
    """A licence."""

    name: str
    """Its SPDX id, or the text as stated."""
    elements: frozenset[str] | None = None
    """Those of BY, NC, ND and SA that it has; None if it is not a Creative Commons licence."""
    version: str = ""
    address: str | None = None
    options: tuple[Licence, ...] = ()
    """The alternatives, if one of several licences may be chosen."""

    @property
    def choices(self) -> tuple[Licence, ...]:
        """The licences of which one may be chosen; itself, if there are no alternatives."""
        return self.options or (self,)

    @property
    def code(self) -> str:
        """The elements as Creative Commons writes them; empty for the public domain."""
        return "-".join(one for one in _ELEMENTS if one in (self.elements or ()))


_ELEMENTS = ("BY", "NC", "ND", "SA")
_CODES = ("by", "by nc", "by nd", "by sa", "by nc nd", "by nc sa")
_EARLY = ("by nd nc", "sa", "nd", "nc", "nc sa", "nd nc", "sampling", "sampling+", "nc sampling+")
"""Codes of version 1.0 only, now retired: without attribution, and for sampling."""
_PORTED = (
    "ar argentina,at austria,au australia,az azerbaijan,be belgium,bg bulgaria,br brazil,ca canada,"
    "ch switzerland,cl chile,cn china mainland,co colombia,cr costa rica,cz czech republic,"
    "de germany,dk denmark,ec ecuador,ee estonia,eg egypt,es spain,fi finland,fr france,ge georgia,"
    "gr greece,gt guatemala,hk hong kong,hr croatia,hu hungary,ie ireland,il israel,in india,"
    "it italy,jp japan,kr south korea,lu luxembourg,mk macedonia,mt malta,mx mexico,my malaysia,"
    "nl netherlands,no norway,nz new zealand,pe peru,ph philippines,pl poland,pr puerto rico,"
    "pt portugal,ro romania,rs serbia,scotland scotland,scotland uk scotland,se sweden,"
    "sg singapore,si slovenia,th thailand,tw taiwan,ug uganda,uk england & wales,"
    "uk uk england & wales,us united states,ve venezuela,vn vietnam,za south africa"
)
_PLACES = {name: code for one in _PORTED.split(",") for code, _, name in [one.partition(" ")]}
"""By jurisdiction that a licence was ported to: the code in the licence's address."""
_READ = (
    (r"(?:https?://)?(?:www\.)?creativecommons\.org/(?:licenses|publicdomain)"
     r"(/[a-z+-]+/\d\.\d(?:/(?:[a-z]{2,3}|scotland)\b)?)(?:/.*)?\Z", r"cc\1"),
    (r"[\s/_():-]+", " "),
    ("creative commons", "cc"),
    (r"\battribution\b", "by"),
    (r"\bnon ?commercial\b", "nc"),
    (r"\bno ?deriv(?:ative)?s\b(?: works)?", "nd"),
    (r"\bshare ?alike\b", "sa"),
    (r"\bsampling plus\b", "sampling+"),
    (r"\bpublic domain mark\b", "cc mark"),
    (r"\bcc ?0|\bcc 1 0\b", "cc zero"),
    (r"\b(?:licen[cs]ed? under|licen[cs]e|public domain dedication|public|universal|unported"
     r"|international|generic|reuse allowed)\b|\bv(?=\d)", ""),
    (r"\s+", " "),
)  # fmt: skip
"""Substitutions that turn addresses and full titles into codes, and drop the words around them."""
_PLACE = rf"(?: (?P<place>igo|{'|'.join((*_PLACES, *_PLACES.values()))}))?"
_CC = re.compile(
    r"(?P<cc>cc )?(?P<code>(?:by|nc|nd|sa|sampling\+?)(?: (?:nc|nd|sa|sampling\+?))*)"
    rf"(?: (?P<version>\d)(?P<minor>\.\d)?)?{_PLACE}"
    rf"(?: cc (?P=code)(?: \d\.\d)?(?: (?:{'|'.join(_PLACES.values())}))?)?"  # its short name
)
_FREE = re.compile(r"cc (zero|mark|pdm)(?: 1\.0)?(?: cc \1.*)?")


@lru_cache(maxsize=4096)
def terms_of(stated: str) -> Licence:
    """The licence of an SPDX id or expression, a Creative Commons name, or an address.

    The members of a list, as Wikimedia Commons writes them, are alternatives. Any other text is the
    name of a licence about which nothing else is known.
    """
    plain = re.sub("[\u2010-\u2015\u2212]", "-", normalize("NFKC", stated))
    text = re.sub(r"https?://spdx\.org/licenses/(.+?)(\.html)?\Z", r"\1", " ".join(plain.split()))
    return _of_creative_commons(text) or _by_spdx(text) or _listed(text) or Licence(text)


def _of_creative_commons(text: str) -> Licence | None:
    normal = text.casefold()
    for written, read in _READ:
        normal = re.sub(written, read, normal)
    normal = normal.strip()
    if found := _FREE.fullmatch(normal):
        name, place = ("CC0", "zero") if found[1] == "zero" else ("CC-PDM", "mark")
        address = f"https://creativecommons.org/publicdomain/{place}/1.0/"
        return Licence(f"{name}-1.0", frozenset(), "1.0", address)
    found = _CC.fullmatch(normal)
    if found is None or not (found["cc"] or (found["version"] and normal[:2] != "sa")):
        return None
    code, version = found["code"], (found["version"] or "") + (found["minor"] or ".0")
    if version != "1.0" or code not in _EARLY:
        code = " ".join(sorted(code.split(), key="by nc nd sa sampling+".find))
        if code not in _CODES:
            return None
    code = code.replace(" ", "-")
    if not found["version"]:
        return Licence(f"CC-{code.upper()}", _elements_of(code))
    place = _PLACES.get(found["place"] or "", found["place"] or "")
    name = f"CC-{code}-{version}" + (place and f"-{place}")
    address = f"https://creativecommons.org/licenses/{code}/{version}/" + (place and f"{place}/")
    return Licence(name.upper(), _elements_of(code), version, address)


def _elements_of(code: str) -> frozenset[str]:
    """The elements of a code; a sampling licence asks for attribution, so it counts as BY."""
    return frozenset("BY" if one.startswith("SAMPLING") else one for one in code.upper().split("-"))


def _by_spdx(text: str) -> Licence | None:
    """A licence of the SPDX list, or an expression of them."""
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    try:
        name = str(canonicalize_license_expression(text))
    except InvalidLicenseExpression:
        return None
    if " OR " in name and "(" not in name:
        return _any_of(name.split(" OR "))
    if " AND " in name and " OR " not in name:
        every = [terms_of(one) for one in name.strip("()").split(" AND ")]
        known = [one for one in every if one.elements is not None]
        asked = frozenset[str]().union(*(one.elements or () for one in known))
        return Licence(
            name, asked if known else None, max((one.version for one in known), default="")
        )
    is_one = " " not in name and not name.startswith("LicenseRef-")
    return Licence(name, address=f"https://spdx.org/licenses/{name}.html" if is_one else None)


def _listed(text: str) -> Licence | None:
    """Several licences, or versions of one, with commas or an “or” between them; else None."""
    every = re.sub("[ -]all$", "-3.0, 2.5, 2.0, 1.0", text, flags=re.IGNORECASE)
    parts = re.split(r"[,;] ?| and (?=\d)| or ", every, flags=re.IGNORECASE)
    if len(parts) == 1:
        return None
    code = terms_of(parts[0]).code
    full = [f"cc-{code}-{one}" if one[:1].isdigit() else one for one in parts]
    is_known = all(one.address or one.elements is not None for one in map(terms_of, full))
    return _any_of(full) if is_known else None


def _any_of(every: Iterable[str]) -> Licence:
    options = tuple(dict.fromkeys(map(terms_of, every)))
    elements = [one.elements for one in options if one.elements is not None]
    shared = frozenset.intersection(*elements) if len(elements) == len(options) else None
    return Licence(" OR ".join(one.name for one in options), shared, options=options)


def is_same(stated: str | None, other: str) -> bool:
    """Whether two texts name the same licence."""
    return stated is not None and terms_of(stated).name == terms_of(other).name


def broken(parent: Licence, child: Licence | None, kind: str) -> Iterator[str]:
    """The codes of the rules that one remix breaks; ``child`` is its licence, if stated.

    Who makes the remix may choose among the alternatives of the parent's licence; but every
    alternative that the remix itself offers has to be allowed.
    """
    for offered in child.choices if child else (None,):
        rules = [[*_broken(one, offered, kind)] for one in parent.choices]
        if all(rules):
            yield from rules[0]
            return


def _broken(parent: Licence, child: Licence | None, kind: str) -> Iterator[str]:
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


def _is_alike(parent: Licence, child: Licence) -> bool:
    if child.elements == parent.elements:
        return not (child.version and parent.version) or child.version >= parent.version
    return child.name in COMPATIBLE.get(parent.code, ())


def cannot_be_joined(parents: Iterable[Licence]) -> tuple[Licence, Licence] | None:
    """Two of these licences that are incompatible: nothing made from both may be shared."""
    adaptable = [one for one in parents if one.elements and "ND" not in one.elements]
    for one, other in combinations(dict.fromkeys(adaptable), 2):
        if not any(_allows(one, code) and _allows(other, code) for code in _EVERY):
            return one, other
    return None


def _allows(parent: Licence, code: str) -> bool:
    return not any(broken(parent, terms_of(f"CC-{code}-4.0"), "adaptation"))


_EVERY = ("BY", "BY-NC", "BY-NC-ND", "BY-NC-SA", "BY-ND", "BY-SA")
"""The codes of the Creative Commons licences that an adaptation can have."""
