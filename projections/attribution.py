"""Attribution: the credits, and what answers say of those on a work.

A credit counts unless it is only claimed, or was declined or revoked. Who contributed to a work
through every generation is in projections.parts, and the people themselves are in
projections.contributors.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar, Unpack

from domain.claim import CONTRIBUTOR, PENDING
from domain.contributor import Contributor
from domain.credit import Credit
from domain.fact import Fact
from domain.refusal import UnknownCredit
from domain.values import WorkId
from projections import around, contributors, finding, hidden, identifiers, lineage
from projections.ancestry import SMALL
from projections.contributors import NAME
from projections.finding import CREDIT_COUNTS as _COUNTED
from projections.finding import NODE
from projections.merges import roots_of
from projections.pages import Page, sliced, within_bytes
from projections.question import Paged, question
from projections.store import View, holds, told_of
from projections.tables import Amend, Change, Numbers, Projection, born, facts_about, table
from projections.told import CreditTold, NameOnCredit, PersonRef, WorkTold

CONTRIBUTORS = table(
    "contributors",
    "number BIGINT, id TEXT, name TEXT NULL, state TEXT, merged_into BIGINT NULL, born BIGINT",
    ("number", "id", "merged_into"),
    key="number",
)


class CreditRow(NamedTuple):
    """A row of the read table of credits, with the account its contributor was merged into."""

    id: str
    work: int
    contributor: int
    role: str
    display: str | None
    kind: str
    state: str
    evidence: str | None
    actor: str
    waits_for: str | None
    deadline: str | None
    born: int
    credited_as: str | None
    join_phrase: str | None
    character: str | None
    billing: int | None
    ai: str | None
    ai_tool: str | None
    evidence_kind: str | None
    evidence_sha256: str | None
    hidden: int | None
    agreed_licence: str | None
    own_work: int
    merged_into: int | None = None
    place: int = 0
    """The sort key (see ``in_order``): its position, or that of the slot it gets by billing."""
    owner: int = 0
    """The contributor of a hidden credit, whom no answer names; 0 for any other."""

    @property
    def person(self) -> int:
        """The contributor's number, even if the credit is hidden."""
        return self.owner or self.contributor

    def veiled(self) -> CreditRow:
        """The credit under a stand-in, without the texts that may identify its contributor."""
        return self._replace(
            contributor=-self.born,
            owner=self.contributor,
            merged_into=None,
            credited_as=None,
            display=None,
            character=None,
            evidence=None,
            evidence_sha256=None,
        )

    @property
    def texts(self) -> tuple[str | None, ...]:
        """The commitments of the texts of its name and its wording."""
        return self.display, self.credited_as, self.join_phrase, self.character


CREDITS = table(
    "credits",
    CreditRow,
    ("id", "work", "contributor, work", "contributor, role", "hidden", "credited_as"),
    key="id",
)
CREDITS_OF_WORK = 1_000
"""How many credits an answer about a work lists at most."""


def changes(position: int, happened: Fact, numbers: Numbers) -> Iterator[Change]:
    """The rows of contributors and credits that this fact adds or changes."""
    match happened:
        case Credit.Birth(work=work, contributor=contributor):
            yield born(
                CREDITS,
                happened,
                work=numbers.node(work),
                own_work=numbers[work],
                contributor=numbers[contributor],
                born=position,
                ai=finding.written_uses(happened.ai),
            )
        case Contributor.Admitted(originator_id=id):
            yield born(CONTRIBUTORS, happened, number=numbers[id], born=position)
        case Contributor.Merged(originator_id=id, into=into):
            merged = {"state": happened.STATE, "merged_into": numbers[into]}
            yield Amend(CONTRIBUTORS, numbers[id], merged)
        case Contributor.Separated(originator_id=id):
            separated = {"state": happened.STATE, "merged_into": None}
            yield Amend(CONTRIBUTORS, numbers[id], separated)
        case Contributor.Renamed(originator_id=id):
            yield Amend(CONTRIBUTORS, numbers[id], {"name": happened.name})
        case Contributor.Forgotten(originator_id=id):
            yield Amend(CONTRIBUTORS, numbers[id], {"state": happened.STATE})
        case Credit.Hidden(originator_id=id) | Credit.Shown(originator_id=id):
            is_hidden = 1 if isinstance(happened, Credit.Hidden) else None
            yield Amend(CREDITS, id, {"hidden": is_hidden})
        case Credit.Corrected(originator_id=id):
            names = ("display", "credited_as", "join_phrase", "character", "billing", "ai_tool")
            ai = {} if happened.ai is None else {"ai": finding.written_uses(happened.ai)}
            yield Amend(CREDITS, id, happened.stated(*names) | ai)
        case Credit.LicenceAgreed(originator_id=id, licence=licence):
            yield Amend(CREDITS, id, {"agreed_licence": licence})
        case Credit.Event() if happened.leaves:
            left = {"state": happened.leaves, "waits_for": happened.waits_for}
            yield Amend(CREDITS, happened.originator_id, left)


ATTRIBUTION = Projection(
    "attribution", (CONTRIBUTORS, CREDITS), changes, facts_about(Contributor, Credit)
)

# -- answers -------------------------------------------------------------------------------

_CREDIT = f"{CREDITS.selected('c')}, p.merged_into, c.born, 0"
CREDIT_FROM = f"@credits c JOIN @contributors p ON p.number = c.contributor AND {holds('p')}"
_KNOWN = f"coalesce(c.waits_for, '') <> '{CONTRIBUTOR}'"
"""The condition that others may see a credit: it does not wait for its contributor's consent."""
_SHOWN = f"c.state <> '{PENDING}' AND {_KNOWN} AND {holds('c')}"
_NAMES = f"p.id, {NAME}, (SELECT w.id FROM @works w WHERE w.number = c.work AND {holds('w')})"
"""Ids and name that answers show with a credit; for many works they are read separately."""
_NO_NAMES = "NULL, NULL, NULL"


class KeptCredit(NamedTuple):
    """The columns that decide whose a credit is and how it counts: all that memory keeps of the
    credits in a large lineage."""

    work: int
    born: int
    """The position at which it was opened, which identifies it."""
    contributor: int
    role: str
    kind: str
    billing: int | None
    merged_into: int | None
    place: int
    """The sort key, as in ``CreditRow``."""
    owner: int = 0
    """The contributor of a hidden credit, as in ``CreditRow``."""

    @property
    def person(self) -> int:
        """The contributor's number, even if the credit is hidden."""
        return self.owner or self.contributor

    def veiled(self) -> KeptCredit:
        """The credit under a stand-in."""
        return self._replace(contributor=-self.born, owner=self.contributor)


Shown = TypeVar("Shown", KeptCredit, CreditRow)
_CREDIT_ROW = partial(tuple.__new__, CreditRow)


def credits_on(view: View, works: Collection[int], *, all_states: bool = False) -> list[CreditRow]:
    """The credits on these works, each under its contributor's account after all merges.

    Only those that count or, with ``all_states``, all that are no longer mere claims.
    """
    state = _SHOWN if all_states else _COUNTED
    beside = _NAMES if len(works) < SMALL else _NO_NAMES
    return _credits(view, f"c.work IN :works AND {state}", beside, works=list(works))()


def _credits(
    view: View, where: str, beside: str = _NO_NAMES, **values: Any
) -> Callable[[], list[CreditRow]]:
    """Credits once the returned function is called; the query is deferred (see View.later)."""
    rows = view.later(f"SELECT {beside}, {_CREDIT} FROM {CREDIT_FROM} WHERE {where}", **values)
    hidden.ask(view)

    def found() -> list[CreditRow]:
        if beside == _NAMES:
            for person, name, work, _, number, contributor, *_ in rows:
                contributors.note_name(view, contributor, person, name)
                lineage.note_id(view, number, work)
        return settled(view, (_CREDIT_ROW(row[3:]) for row in rows))

    return found


def open_credits_of(view: View, accounts: Collection[int]) -> list[CreditRow]:
    """The credits of these accounts that count and are not hidden."""
    where = f"c.contributor IN :accounts AND {_COUNTED} AND {hidden.NOT_HIDDEN}"
    return _credits(view, where, accounts=list(accounts))()


def owners(view: View, works: Collection[int]) -> dict[str, str]:
    """By the id of each hidden credit on these works: the person, for who gives them a share."""
    rows = [row for row in credits_on(view, works) if row.owner]
    people = contributors.persons(view, {row.owner for row in rows})
    return {row.id: people[row.owner]["id"] for row in rows}


def settled(view: View, rows: Iterable[Shown]) -> list[Shown]:
    """Credits as they count: in order, each under its contributor's account after all merges, or
    under a stand-in if it is hidden."""
    ordered = in_order(rows)
    roots = roots_of(view.rows, {row.contributor for row in ordered if row.merged_into is not None})
    if roots:
        ordered = [
            row._replace(contributor=roots.get(row.contributor, row.contributor)) for row in ordered
        ]
    return veiled(view, ordered)


def veiled(view: View, rows: list[Shown], to: Collection[int] = ()) -> list[Shown]:
    """Credits with each hidden one under a stand-in for its contributor.

    The stand-in's number is minus the credit's position. Credits of the accounts ``to`` stay as
    they are.
    """
    veils = {*hidden.positions(view).values()}
    if not veils:
        return rows
    return [
        row.veiled() if row.born in veils and row.contributor not in to else row for row in rows
    ]


def in_order(rows: Iterable[Shown]) -> list[Shown]:
    """Credits in the order of opening, except that a stated billing moves one within its work."""
    ordered = sorted(rows, key=attrgetter("born"))
    moved = {row.work for row in ordered if row.billing is not None}
    if not moved:
        return ordered
    by_work: dict[int, list[Shown]] = {}
    for row in ordered:
        if row.work in moved:
            by_work.setdefault(row.work, []).append(row)
    placed = [one for same in by_work.values() for one in _placed(same)]
    placed += (row for row in ordered if row.work not in moved)
    return sorted(placed, key=lambda row: row.place)


def _placed(rows: list[Shown]) -> Iterator[Shown]:
    """The credits of one work in order of billing, each with its ``place`` set."""
    same = [row for row in rows if row.billing is None]
    stated = [(row.billing, row) for row in rows if row.billing is not None]
    for billing, row in sorted(stated, key=lambda one: one[0]):
        same.insert(billing - 1, row)
    for row, slot in zip(same, rows, strict=True):
        yield row._replace(place=slot.born)


def credit(view: View, id: str, to: Collection[int] | None = None) -> CreditTold:
    """One credit; UnknownCredit if there is none with this id.

    A credit that waits for its contributor's consent is shown only to the accounts ``to``.
    """
    row = view.one(
        f"SELECT {_CREDIT} FROM {CREDIT_FROM} WHERE c.id = :id AND {holds('c')} "
        f"AND ({_KNOWN} OR c.contributor IN :them)",
        id=id,
        them=list(to or ()),
    )
    if row is None:
        raise UnknownCredit(id)
    return told(view, veiled(view, [CreditRow(*row)], to or ()))[0]


@question("show_work", "/works/{id}", cli="work show", as_published=True)
def work(view: View, id: WorkId) -> WorkTold:
    """A contribution, an outside source or a release, with its credits and sources.

    If there are very many, it has the first ones, and says how many it leaves out.
    """
    found, numbers = around.around(view, id), identifiers.asked_of(view, NODE, id=id)
    credits = _credits(view, f"c.work = {NODE} AND {_SHOWN}", _NAMES, id=id)
    number, rows = found.row.number, credits()
    listed = rows[:CREDITS_OF_WORK]
    people = contributors.persons_later(view, {row.contributor for row in listed})
    texts = view.texts(found.texts | identifiers.texts_of(numbers) | _texts_of(listed))
    shown = within_bytes(_told(listed, {number: id}, people(), texts), around.MOST_OF_LIST_BYTES)
    return {
        **found.told(view, texts),
        "credits": shown,
        "credits_left_out": len(rows) - len(shown),
        "identifiers": identifiers.told(numbers, texts),
    }


@question("list_work_credits", "/works/{id}/credits", cli="credit list", as_published=True)
def all_credits(view: View, id: WorkId, **part: Unpack[Paged]) -> Page[CreditTold]:
    """Every credit on one work, in every state, in the order of billing."""
    rows = credits_on(view, [lineage.find(view, id).number], all_states=True)
    page, more = sliced(rows, **part)
    return Page(told(view, page), more)


def standing_on(view: View, work: int) -> list[CreditTold]:
    """The credits on a work, without duplicates that only a merge of two accounts produced."""
    rows = credits_on(view, [work], all_states=True)

    def said(row: CreditRow) -> tuple[object, ...]:
        return row.contributor, row.role, row.kind, row.state

    own = {said(row): row.id for row in reversed(rows)}
    own |= {said(row): row.id for row in reversed(rows) if row.merged_into is None}
    return told(
        view,
        [
            row
            for row in rows
            if row.merged_into is None or any(row.texts) or own[said(row)] == row.id
        ],
    )


def told(view: View, rows: Sequence[CreditRow]) -> list[CreditTold]:
    """Credits as answers present them."""
    people = contributors.persons_later(view, {row.contributor for row in rows})
    works = lineage.ids_of(view, {row.work for row in rows})
    texts = view.texts(_texts_of(rows))
    return _told(rows, works, people(), texts)


def _told(
    rows: Sequence[CreditRow],
    works: Mapping[int, str],
    people: Mapping[int, PersonRef],
    texts: Mapping[str | None, str],
) -> list[CreditTold]:
    return [
        told_of(
            CreditTold,
            row,
            work=works[row.work],
            contributor=people[row.contributor],
            **name_on(row, texts),
            evidence=texts[row.evidence],
            deadline=row.deadline if row.state == PENDING else None,
            position=row.born,
        )
        for row in rows
    ]


def _texts_of(rows: Iterable[CreditRow]) -> set[str | None]:
    """The commitments of all texts of these credits."""
    return {text for row in rows for text in (*row.texts, row.evidence, row.ai_tool)}


def texts_of(view: View, rows: Iterable[CreditRow]) -> dict[str | None, str]:
    """The texts of names, wordings and AI tools of credits, by their commitments."""
    return view.texts({text for row in rows for text in (*row.texts, row.ai_tool)})


def name_on(row: CreditRow, texts: Mapping[str | None, str]) -> NameOnCredit:
    """The name on a credit and its wording, where stated, and its disclosure of AI."""
    return {
        "display": texts.get(row.display),
        "credited_as": texts.get(row.credited_as),
        "join_phrase": texts.get(row.join_phrase),
        "character": texts.get(row.character),
        "ai": finding.uses_of(row.ai),
        "ai_tool": texts.get(row.ai_tool),
    }
