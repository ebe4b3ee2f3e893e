"""An identifier: the number of a work or a person in a registry.

Its check digits are verified, if the scheme has some. It can be disputed like a credit.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import unquote

from stdnum import ean, isni, isrc
from stdnum.exceptions import ValidationError
from stdnum.iso7064 import mod_37_36

from domain.contributor import Contributor
from domain.dispute import Disputable, DisputeAnswer, DisputeOpening, Settlement
from domain.fact import Fact, Looking, common, fact
from domain.iscc import normal_iscc
from domain.refusal import BadIdentifier
from domain.work import Work

WORK, PERSON = "work", "contributor"
"""What an identifier may be of."""

_DOI = re.compile(r"10\.[0-9]{4,9}(?:\.[0-9]+)*/\S+\Z")
_DOI_ADDRESS = re.compile(r"https?://(?:dx\.)?doi\.org/", re.IGNORECASE)
_EIDR = re.compile(r"10\.5240/((?:[0-9A-F]{4}-){5})([0-9A-Z])\Z")
_ISWC = re.compile(r"T([0-9]{9})([0-9])\Z")
_IPI = re.compile(r"[0-9]{8,11}\Z")
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\Z")


class Scheme(NamedTuple):
    """A registry, what it numbers, and how a number of it is read."""

    meaning: str
    of: tuple[str, ...]
    read: Callable[[str], str]
    """Returns the normal form; raises ValueError for what is no number of this registry."""
    example: str


def _eidr(text: str) -> str:
    before, prefix, number = text.upper().strip().rpartition("10.5240/")
    is_address = before in ("", "DOI:") or before.startswith(("HTTP://", "HTTPS://"))
    found = _EIDR.match(prefix + number) if is_address else None
    if found is None:
        raise ValueError(text)
    mod_37_36.validate(found[1].replace("-", "") + found[2])
    return found[0]


def _iswc(text: str) -> str:
    found = _ISWC.match(re.sub(r"[\s.-]", "", text.upper()))
    # ISO 15707: 1, plus each digit times its place, plus the check digit is a multiple of ten.
    if (
        found is None
        or (1 + sum(n * int(d) for n, d in enumerate(found[1], 1)) + int(found[2])) % 10
    ):
        raise ValueError(text)
    return found[0]


def _gtin(text: str) -> str:
    # GS1: the same number may be padded with leading zeros to 13 or 14 digits.
    digits: str = ean.validate(text)
    return digits[:-12].lstrip("0") + digits[-12:]


def _isni(text: str) -> str:
    return str(isni.validate(re.sub(r"\A\s*https?://\S+/", "", text)))


def _orcid(text: str) -> str:
    digits = _isni(text)
    return "-".join(digits[start : start + 4] for start in range(0, 16, 4))


def _doi(text: str) -> str:
    doi = re.sub(r"\Adoi:", "", text.strip(), flags=re.IGNORECASE)
    if address := _DOI_ADDRESS.match(doi):
        doi = unquote(doi[address.end() :])
        if not doi.isprintable():
            raise ValueError(text)
    return _matching(_DOI, doi.lower())


def _ipi(text: str) -> str:
    number = _matching(_IPI, re.sub(r"[\s.]", "", text)).zfill(11)
    # Nine digits, weighted 10 to 2, plus two check digits make a multiple of 101.
    # Source: django-music-publisher, validators.py; 100 is written 00.
    total = sum(place * int(digit) for place, digit in zip(range(10, 1, -1), number, strict=False))
    if -total % 101 % 100 != int(number[9:]):
        raise ValueError(text)
    return number


def _matching(form: re.Pattern[str], text: str) -> str:
    if not form.match(text):
        raise ValueError(text)
    return text


SCHEMES = {
    "isrc": Scheme(
        "International Standard Recording Code (ISO 3901)",
        (WORK,),
        isrc.validate,
        "US-SKG-19-12345",
    ),
    "iswc": Scheme(
        "International Standard Musical Work Code (ISO 15707)", (WORK,), _iswc, "T-034.524.680-1"
    ),
    "upc": Scheme("the number under a barcode: UPC or EAN (GTIN)", (WORK,), _gtin, "0036000291452"),
    "eidr": Scheme(
        "Entertainment Identifier Registry (ISO 26324)",
        (WORK,),
        _eidr,
        "10.5240/7791-8534-2C23-9030-8610-5",
    ),
    "doi": Scheme("Digital Object Identifier (ISO 26324)", (WORK,), _doi, "10.1000/182"),
    "iscc": Scheme(
        "International Standard Content Code (ISO 24138): works with similar ones are found",
        (WORK,),
        normal_iscc,
        "ISCC:KACT4EBWK27737D2AYCJRAL5Z36G76RFRMO4554RU26HZ4ORJGIVHDI",
    ),
    "mbid": Scheme(
        "MusicBrainz identifier",
        (WORK, PERSON),
        lambda text: _matching(_UUID, text.strip().lower().rpartition("/")[2]),
        "0383dadf-2a4e-4d10-a46a-e9e041da8eb3",
    ),
    "isni": Scheme(
        "International Standard Name Identifier (ISO 27729)",
        (PERSON,),
        _isni,
        "0000 0001 2281 955X",
    ),
    "ipi": Scheme(
        "Interested Party Information, the name number: eleven digits",
        (PERSON,),
        _ipi,
        "00014107338",
    ),
    "orcid": Scheme("Open Researcher and Contributor ID", (PERSON,), _orcid, "0000-0002-1825-0097"),
}
"""The registries."""


def normal(scheme: str, text: str) -> str:
    """The normal spelling of a number, without the registry's name that is often printed before it.

    Refuses (``BadIdentifier``) what is no number of this registry.
    """
    bare = re.sub(rf"\A\s*{scheme}[\s:]+", "", text, flags=re.IGNORECASE)
    try:
        return SCHEMES[scheme].read(bare)
    except (ValueError, ValidationError):
        reason = f"it is not of the form {SCHEMES[scheme].example}, or its check digit is wrong"
        raise BadIdentifier(text, scheme, reason) from None


class Identifier(Disputable):
    """A number of a work or a person in a registry, as somebody stated it."""

    GONE = "withdrawn"
    NOT_COUNTED = (GONE,)
    UNDO = frozenset({"poster", "opener", "contributor"})
    about: str
    on: str
    scheme: str

    @common
    class Event(Fact):
        """A fact about an identifier names the work or the person."""

        ABOUT = ("about",)
        about: str
        on: str

    @fact("identifier.stated", "{actor} stated the {scheme} of {about}", begins=True)
    class Stated(Event):
        """A number was stated: a ``value`` of a work, or an erasable ``identifier`` of a person."""

        ADDS = {"value": ": {value}", "identifier": ": {identifier}"}  # noqa: RUF012 - constant
        STATE = "stated"
        scheme: str
        value: str | None = None
        identifier: str | None = None
        evidence: str | None = None

    @fact("identifier.withdrawn", "{actor} withdrew an identifier of {about}")
    class Withdrawn(Event):
        """It was wrong; it stays on record, but is no longer found."""

        FROM = ("stated",)
        STATE = "withdrawn"
        reason: str | None = None

    @fact("identifier.disputed", "{actor} disputed an identifier of {about}")
    class Disputed(DisputeOpening, Event):
        """Someone says that it belongs to another work or person."""

        FROM = ("stated",)

    @fact("identifier.answered", "{actor} answered the dispute about an identifier of {about}")
    class Answered(DisputeAnswer, Event):
        """The other side says why it is right."""

    @fact(
        "identifier.settled", "{actor} ended the dispute about an identifier of {about}: {outcome}"
    )
    class Settled(Settlement, Event):
        """The dispute has ended: it stands, or it is withdrawn."""

    def sides(self, looking: Looking) -> dict[str, str]:
        """Who stated it, and who speaks for the work or person."""
        kind = Work if self.on == WORK else Contributor
        return {**looking.get(kind, self.about).sides(looking), "opener": self.poster}

    def areas(self, looking: Looking) -> tuple[str, ...]:
        """The work that it is of."""
        return (self.about,) if self.on == WORK else ()
