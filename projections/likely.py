"""Likely sources: works that a piece may have been made from but does not cite, each with reasons.

Nothing is scored. Works are ordered by their strongest reason, then by the number of bits that
differ, then the latest first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, NamedTuple, Unpack

from domain.claim import PENDING
from domain.dates import is_surely_before
from domain.iscc import NEAR_BITS, UNIT_BITS, Unit, difference, near_bands, units_of
from domain.remix import Remix
from domain.values import WorkId
from projections import challenges, lineage
from projections.finding import REMIX_COUNTS
from projections.identifiers import COUNTS
from projections.pages import Page, sliced
from projections.question import Paged, question
from projections.store import View, counting, holds
from projections.told import WorkRef
from projections.told_finding import LIKELY, LikelySource, WhyLikely
from projections.walking import DOWN, onwards_of

MOST = 100
"""How many works each reason may bring up, the latest first."""
MOST_SOURCES = 1_000
MOST_BELOW = 5_000
"""How many of a work's descendants are ruled out as its sources; more are not looked for."""
_NEVER_SO = tuple(state for state in Remix.NOT_COUNTED if state != PENDING)


class Why(NamedTuple):
    """Why a work may be a source, with the numbers of others; the strongest reason sorts first."""

    place: int
    differing: int
    unit: str = ""
    through: int = 0
    """The challenge that both answer, or the cited source that was made from it; 0 without one."""


@question("list_likely_sources", "/works/{id}/likely-sources", cli="work likely-sources")
def likely_sources(view: View, id: WorkId, **part: Unpack[Paged]) -> Page[LikelySource]:
    """Works that one may have been made from but does not cite, each with the reasons.

    The same file or similar content, answers to the same challenge, and the sources of its sources;
    the strongest reason first.
    """
    row = lineage.find(view, id)
    found = _without_impossible(view, row, _reasons(view, row))
    ranked = sorted(found, key=lambda work: (min(found[work])[:2], -work))
    page, more = sliced(ranked, **part)
    return Page(list(_told(view, {work: sorted(found[work]) for work in page})), more)


def _reasons(view: View, row: lineage.WorkRow) -> dict[int, set[Why]]:
    """By work: the reasons why it may be a source."""
    found: dict[int, set[Why]] = {}
    for number, why in (
        *_same_file(view, row),
        *_similar(view, row),
        *_same_challenge(view, row),
        *_sources_of_sources(view, row),
    ):
        found.setdefault(number, set()).add(why)
    return found


def _same_file(view: View, row: lineage.WorkRow) -> Iterator[tuple[int, Why]]:
    if row.sha256 is not None:
        rows = view.rows(
            f"SELECT w.node FROM @works w WHERE w.sha256 = :sha256 AND {holds('w')} "
            "ORDER BY w.number DESC LIMIT :most",
            sha256=row.sha256,
            most=MOST,
        )
        yield from ((number, Why(0, 0, "file")) for (number,) in rows)


def _similar(view: View, row: lineage.WorkRow) -> Iterator[tuple[int, Why]]:
    """Works with an ISCC unit that differs in few bits from one of this work's."""
    for unit in _units(view, row.number):
        rows = view.rows(
            "SELECT DISTINCT u.bits, i.subject FROM @units u "
            f"JOIN @identifiers i ON i.id = u.identifier AND {COUNTS} "
            "WHERE u.kind = :kind AND u.band IN :bands AND u.position <= :as_of",
            kind=unit.kind,
            bands=near_bands(unit.bits),
        )
        near = {
            number: bits
            for bits, number in ((difference(unit.bits, bytes.fromhex(r[0])), r[1]) for r in rows)
            if bits <= NEAR_BITS
        }
        for number in sorted(near, reverse=True)[:MOST]:
            is_same = unit.kind == "instance" and near[number] == 0
            if is_same or unit.kind != "instance":
                place = 0 if is_same else 1
                yield number, Why(place, near[number], unit.kind)


def _units(view: View, number: int) -> Iterator[Unit]:
    """The units of a work's ISCCs that are compared: not those of metadata."""
    rows = view.rows(
        f"SELECT i.value FROM @identifiers i WHERE i.subject = :number AND i.scheme = 'iscc' "
        f"AND {COUNTS}",
        number=number,
    )
    for (code,) in rows:
        yield from (unit for unit in units_of(code) if unit.is_compared)


def _same_challenge(view: View, row: lineage.WorkRow) -> Iterator[tuple[int, Why]]:
    """Earlier answers to the challenges that the piece answers."""
    rows = view.rows(
        "SELECT o.work, o.challenge FROM @answers a JOIN @answers o "
        f"ON o.challenge = a.challenge AND o.born < a.born WHERE a.work = :number "
        f"AND a.state <> 'withdrawn' AND o.state <> 'withdrawn' AND {holds('a')} AND {holds('o')} "
        "ORDER BY o.born DESC LIMIT :most",
        number=row.number,
        most=MOST,
    )
    yield from ((work, Why(2, 0, through=challenge)) for work, challenge in rows)


def _sources_of_sources(view: View, row: lineage.WorkRow) -> Iterator[tuple[int, Why]]:
    rows = view.rows(
        "SELECT s.parent, s.child FROM @remixes e JOIN @remixes s ON s.child = e.parent "
        f"AND {counting('s', Remix.NOT_COUNTED)} AND {holds('s')} "
        f"WHERE e.child = :number AND {REMIX_COUNTS} ORDER BY s.born DESC LIMIT :most",
        number=row.number,
        most=MOST,
    )
    yield from ((parent, Why(3, 0, through=through)) for parent, through in rows)


def _without_impossible(
    view: View, row: lineage.WorkRow, found: dict[int, set[Why]]
) -> Mapping[int, set[Why]]:
    """The works found, except those already cited, withdrawn, surely later or made from it."""
    rows = lineage.rows_of(view, found)
    cited = {one.parent for one in cited_by(view, row.number)}
    below = _below(view, row.number, found)
    return {
        number: why
        for number, why in found.items()
        if (one := rows.get(number))
        and number not in cited | below | {row.number}
        and one.state != "withdrawn"
        and not (row.made_at and one.made_at and is_surely_before(row.made_at, one.made_at))
    }


class Cited(NamedTuple):
    """A node that a work cites or is claimed to have been made from, and as what."""

    parent: int
    id: str
    kind: str
    rate: str | None

    def is_as(self, kind: str, rate: str | None) -> bool:
        """Whether it is cited as this kind, at this rate however it is written."""
        rates = [None if each is None else Fraction(each) for each in (self.rate, rate)]
        return self.kind == kind and rates[0] == rates[1]


def cited_by(view: View, number: int) -> list[Cited]:
    """What a work cites or is claimed to have been made from."""
    rows = view.rows(
        "SELECT e.parent, e.id, e.kind, e.rate FROM @remixes e WHERE e.child = :number AND "
        f"{counting('e', _NEVER_SO)} AND {holds('e')} LIMIT :most",
        number=number,
        most=MOST_SOURCES,
    )
    return list(map(Cited._make, rows))


def _below(view: View, number: int, found: Mapping[int, set[Why]]) -> set[int]:
    """A work and what was made from it, up to MOST_BELOW; only the work if nothing was found."""
    seen = level = {number}
    while found and level and len(seen) < MOST_BELOW:
        onwards = onwards_of(view, sorted(level), DOWN, most=MOST_BELOW)
        level = {child for leads in onwards.values() for child in leads} - seen
        seen = seen | level
    return seen


# -- in words ------------------------------------------------------------------------------------


def _told(view: View, found: Mapping[int, list[Why]]) -> Iterator[LikelySource]:
    whys = [why for one in found.values() for why in one]
    asked = challenges.references(view, {why.through for why in whys if why.place == 2})
    works = lineage.references(view, {*found, *(why.through for why in whys if why.place == 3)})
    for number, reasons in found.items():
        told = [_why(one, asked, works) for one in reasons]
        yield {"work": works[number], "reasons": told}


def _why(why: Why, asked: Mapping[int, Any], works: Mapping[int, WorkRef]) -> WhyLikely:
    through: Any = asked.get(why.through) if why.place == 2 else works.get(why.through)
    name = through and (through["title"] or through.get("uri") or "a work without a title")
    match LIKELY[why.place]:
        case "same_content":
            says = "It is the same file."
        case "similar_content":
            says = (
                f"Their content is similar: of {UNIT_BITS} bits of the ISCC unit “{why.unit}”, "
                f"{why.differing} differ."
            )
        case "same_challenge":
            says = f"Both answer the challenge “{name}”, and it did so before."
        case _:
            says = f"“{name}”, which is cited, was made from it."
    return {
        "code": LIKELY[why.place],
        "says": says,
        "unit": why.unit or None,
        "differing_bits": why.differing if why.place < 2 else None,
        "through": through["id"] if through else None,
    }
