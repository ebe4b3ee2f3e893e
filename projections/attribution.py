"""Attribution: who is credited for what, and who contributed to a work.

A credit counts unless it is only claimed, or was declined or revoked. It counts as influence if its
own kind is influence, or if every path to its work is one of influence.

Tables, rows and questions are in one file because they share their columns.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from operator import attrgetter, itemgetter
from typing import Annotated, Any, NamedTuple, TypeVar, Unpack, cast

from domain import remix
from domain.claim import CONTRIBUTOR, PENDING
from domain.contributor import Contributor
from domain.credit import Credit
from domain.engine import PLANNED_ONCE
from domain.fact import Fact
from domain.pedigree import Ends, Pedigree
from domain.refusal import UnknownContributor, UnknownCredit
from domain.role import within
from domain.values import ContributorId, CreditKind, Example, Role, WorkId, one_of
from projections import finding, groups, identifiers, lineage, pending
from projections.ancestry import SMALL, ancestry
from projections.finding import CREDIT_COUNTS as _COUNTED
from projections.finding import PeopleFilters, Reverse, SortOfPeople
from projections.hidden import HIDDEN, NOT_HIDDEN
from projections.merges import accounts_under, roots_of
from projections.question import After, Limit, Paged, question
from projections.store import (
    LIMIT,
    Page,
    View,
    counting,
    cut,
    decode_cursor,
    holds,
    sliced,
    told_of,
    within_bytes,
)
from projections.tables import NEVER, Amend, Change, Numbers, Projection, born, facts_about, table
from projections.told import (
    CreditLine,
    CreditTold,
    Did,
    Maker,
    MemberThen,
    NameOnCredit,
    Part,
    PartInRelease,
    PartOfPerson,
    PathIn,
    PeopleFacets,
    Person,
    PersonItem,
    PersonRef,
    WorkTold,
)

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

    @property
    def texts(self) -> tuple[str | None, ...]:
        """The commitments of the texts of its name and its wording."""
        return self.display, self.credited_as, self.join_phrase, self.character


CREDITS = table(
    "credits",
    CreditRow,
    ("id", "work", "contributor, work", "contributor, role", "hidden"),
    key="id",
)

PATHS = 12
"""How many paths are listed for one person; all are counted."""
CREDITS_OF_WORK = 1_000
"""How many credits an answer about a work lists at most."""
CREDITS_SHOWN = 6
"""How many credits are listed for one person; all are counted."""


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
            hidden = 1 if isinstance(happened, Credit.Hidden) else None
            yield Amend(CREDITS, id, {"hidden": hidden})
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
_CREDIT_FROM = f"@credits c JOIN @contributors p ON p.number = c.contributor AND {holds('p')}"
_KNOWN = f"coalesce(c.waits_for, '') <> '{CONTRIBUTOR}'"
"""The condition that others may see a credit: it does not wait for its contributor's consent."""
_NAME = (
    "coalesce((SELECT v.value FROM vault v WHERE v.digest = p.name), "
    "(SELECT v.value FROM vault v JOIN @contributors n ON v.digest = n.name "
    f"WHERE n.number = p.number AND n.until = {NEVER}))"
)
"""A person's name at the position, or their current one if the text of that name was erased."""
_NAMES = f"p.id, {_NAME}, (SELECT w.id FROM @works w WHERE w.number = c.work AND {holds('w')})"
"""Ids and name that answers show with a credit; for many works they are read separately."""
_NO_NAMES = "NULL, NULL, NULL"


class Credited(NamedTuple):
    """The columns that decide whose a credit is and how it counts: all that memory keeps of the
    credits in a large lineage."""

    work: int
    born: int
    """The position at which it was opened, which identifies it."""
    contributor: int
    role: str
    kind: str
    billing: int | None
    place: int
    """The sort key, as in ``CreditRow``."""
    owner: int = 0
    """The contributor of a hidden credit, as in ``CreditRow``."""

    @property
    def person(self) -> int:
        """The contributor's number, even if the credit is hidden."""
        return self.owner or self.contributor


Shown = TypeVar("Shown", Credited, CreditRow)
_CREDITED, _CREDIT_ROW = partial(tuple.__new__, Credited), partial(tuple.__new__, CreditRow)


def credits_on(view: View, works: Collection[int], *, all_states: bool = False) -> list[CreditRow]:
    """The credits on these works, each under its contributor's account after all merges.

    Only those that count or, with ``all_states``, all that are no longer mere claims.
    """
    state = f"c.state <> '{PENDING}' AND {_KNOWN} AND {holds('c')}" if all_states else _COUNTED
    beside = _NAMES if len(works) < SMALL else _NO_NAMES
    return _credits(view, f"c.work IN :works AND {state}", beside, works=list(works))


def _credits(view: View, where: str, beside: str = _NO_NAMES, **values: Any) -> list[CreditRow]:
    rows = view.rows(f"SELECT {beside}, {_CREDIT} FROM {_CREDIT_FROM} WHERE {where}", **values)
    if beside == _NAMES:
        known = view.known(_PERSONS)
        for person, name, work, _, number, contributor, *_ in rows:
            known[contributor] = {"id": person, "name": name}
            lineage.note_id(view, number, work)
    return veiled(view, _merged(view, in_order(_CREDIT_ROW(row[3:]) for row in rows)))


def hidden(view: View) -> dict[str, int]:
    """The positions of all hidden credits by their ids.

    A credit hidden now is hidden at every position.
    """
    kept = view.moment.get("hidden")
    if kept is None:
        kept = dict(view.rows(f"SELECT c.id, c.born FROM @credits c WHERE {HIDDEN}"))
        view.moment.keep("hidden", kept, takes=0)
    return cast("dict[str, int]", kept)


def veiled(view: View, rows: list[CreditRow], to: Collection[int] = ()) -> list[CreditRow]:
    """Credits with each hidden one under a stand-in contributor of its own.

    The stand-in's number is minus the credit's position. Texts that may identify the person are
    removed: name, wording, character and evidence. Credits of the accounts ``to`` stay as they are.
    """
    kept = hidden(view)
    if not kept:
        return rows
    return [
        row._replace(
            contributor=-row.born,
            owner=row.contributor,
            merged_into=None,
            credited_as=None,
            display=None,
            character=None,
            evidence=None,
            evidence_sha256=None,
        )
        if row.id in kept and row.contributor not in to
        else row
        for row in rows
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


def _merged(view: View, rows: list[CreditRow]) -> list[CreditRow]:
    """The same credits, each under its contributor's account after all merges."""
    merged = {row.contributor for row in rows if row.merged_into is not None}
    return _under(roots_of(view.rows, merged), rows)


def _under(roots: Mapping[int, int], rows: list[Shown]) -> list[Shown]:
    """The same credits, each under the account that ``roots`` gives for its contributor."""
    if not roots:
        return rows
    return [row._replace(contributor=roots.get(row.contributor, row.contributor)) for row in rows]


def credit(view: View, id: str, to: Collection[int] | None = None) -> CreditTold:
    """One credit; UnknownCredit if there is none with this id.

    A credit that waits for its contributor's consent is shown only to the accounts ``to``.
    """
    row = view.one(
        f"SELECT {_CREDIT} FROM {_CREDIT_FROM} WHERE c.id = :id AND {holds('c')} "
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
    asked = lineage.asked_about(view, lineage.find(view, id))
    numbers = identifiers.asked_of(view, asked.row.number)
    rows = credits_on(view, [asked.row.number], all_states=True)
    listed = rows[:CREDITS_OF_WORK]
    people = persons_later(view, {row.contributor for row in listed})
    texts = view.texts(asked.texts | identifiers.texts_of(numbers) | _texts_of(listed))
    shown = within_bytes(
        _told(listed, {asked.row.number: id}, people(), texts), lineage.MOST_OF_LIST_BYTES
    )
    return {
        **lineage.told(view, asked, texts),
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
    people = persons_later(view, {row.contributor for row in rows})
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


def persons(view: View, numbers: Iterable[int]) -> dict[int, PersonRef]:
    """People by their numbers, as answers refer to them."""
    return persons_later(view, numbers)()


_PERSONS = "persons"


def persons_later(view: View, numbers: Iterable[int]) -> Callable[[], dict[int, PersonRef]]:
    """People by their numbers, once the returned function is called.

    The query is sent in one message with others that wait by then.
    """
    wanted, known = set(numbers), view.known(_PERSONS)
    left = [number for number in wanted if number > 0 and number not in known]
    sql = f"SELECT p.number, p.id, {_NAME} FROM @contributors p WHERE p.number IN :numbers "
    rows = view.later(f"{PLANNED_ONCE}{sql}AND {holds('p')}", numbers=left) if left else ()

    def told() -> dict[int, PersonRef]:
        known.update((number, {"id": id, "name": name}) for number, id, name in rows)
        found: dict[int, PersonRef] = {one: known[one] for one in wanted if one in known}
        return found | {one: {"id": id, "name": None} for one, id in _veils(view, wanted)}

    return told


def ids_of_persons(view: View, numbers: Iterable[int]) -> dict[int, str]:
    """The ids of people by their numbers; for a hidden credit's stand-in, the credit's id."""
    wanted = set(numbers)
    return view.ids("contributors", wanted) | dict(_veils(view, wanted))


def _veils(view: View, wanted: Collection[int]) -> Iterator[tuple[int, str]]:
    """The stand-ins for contributors of hidden credits: number, and the id of the credit."""
    if min(wanted, default=0) < 0:
        yield from ((-born, id) for id, born in hidden(view).items() if -born in wanted)


class Share(NamedTuple):
    """A person's credits in the ancestry of a work."""

    person: int
    generation: int
    place: int
    """The place of their nearest credit, a sort key within the generation."""
    credits: list[Credited | CreditRow]


Near = Mapping[int, tuple[int, int]]
"""People, the nearest first, with the generation and the place of their nearest credit."""


def nearest_in(tree: Pedigree[int], rows: Sequence[Credited | CreditRow]) -> Near:
    """The people credited in an ancestry; ``rows`` must be in order."""
    generation = tree.generation
    found: dict[int, tuple[int, int]] = {}
    for row in rows:
        far, person = generation[row.work], row.contributor
        if person not in found or far < found[person][0]:
            found[person] = far, row.place
    return dict(sorted(found.items(), key=itemgetter(1)))


def shares_of(people: Near, rows: Iterable[Credited | CreditRow]) -> list[Share]:
    """The share of each of these people, with those of the credits that are theirs."""
    shares = {person: Share(person, *near, []) for person, near in people.items()}
    for row in rows:
        if row.contributor in shares:
            shares[row.contributor].credits.append(row)
    return [*shares.values()]


Held = tuple[int, tuple[int, ...]]
"""A work, with the people who hold it in equal shares."""


class Above(NamedTuple):
    """A work's ancestry with everyone credited in it."""

    tree: Pedigree[int]
    credits: Sequence[Credited | CreditRow]
    """In order, each under its contributor after all merges; hidden ones under stand-ins."""
    people: Near


def credits_in(view: View, root: int) -> Sequence[Credited | CreditRow]:
    """The credits in a work's ancestry that count, in order."""
    above = ancestry(view, root)
    if above.is_small:  # one query instead of three
        return credits_on(view, above.tree.generation)
    rows, veils = above.rows(view, "credits", _credited), frozenset(hidden(view).values())
    key = rows, veils
    return above.derived(view, "credits", key, lambda: _known(view, rows, veils), len(rows))


def holders_in(view: View, root: int) -> Collection[Held]:
    """Who holds each work in a work's ancestry; works without direct credits are left out."""
    above = ancestry(view, root)
    if above.is_small:
        return held_by_work(credits_on(view, above.tree.generation)).items()
    veils = frozenset(hidden(view).values())

    def read(view: View, works: list[int]) -> Iterable[Held]:
        return held_by_work(_known(view, _credited(view, works), veils)).items()

    return above.rows(view, ("holders", veils), read)


def held_by_work(credits: Iterable[Credited | CreditRow]) -> dict[int, tuple[int, ...]]:
    """By work: who is credited directly, each once, and hidden only if all their credits are."""
    held: dict[int, tuple[int, ...]] = {}
    direct = [credit for credit in credits if credit.kind == "direct"]
    # Hidden people have negative numbers; one who is also credited openly is left out.
    owners = {credit.contributor: credit.owner for credit in direct if credit.owner}
    if owners:
        direct.sort(key=lambda credit: max(0, -credit.contributor))
    for credit in direct:
        work, shown = credit.work, credit.contributor
        others = held.get(work)
        if others is None:
            held[work] = (shown,)
        elif shown not in others and owners.get(shown, 0) not in map(owners.get, others, others):
            held[work] = (*others, shown)
    return held


def credits_above(view: View, root: int, role: str | None = None) -> Above:
    """Everyone credited in a work's ancestry; with ``role``, in that role or a narrower one."""
    above, known = ancestry(view, root), credits_in(view, root)
    roles = None if role is None else within(role)
    named = known if roles is None else [row for row in known if row.role in roles]
    name, key, tree = "people" if role is None else "people in a role", (known, role), above.tree
    people = above.derived(view, name, key, lambda: nearest_in(tree, named), len(named))
    return Above(tree, named, people)


def _credited(view: View, works: list[int]) -> list[Credited]:
    """The credits on these works that count, unordered and as recorded."""
    columns = ", ".join(f"c.{name}" for name in Credited._fields[:-2])
    rows = view.rows(
        f"SELECT {columns}, c.born, 0 FROM @credits c WHERE c.work IN :works AND {_COUNTED}",
        works=works,
    )
    return list(map(_CREDITED, rows))


def _known(view: View, rows: Collection[Credited], veils: Collection[int]) -> list[Credited]:
    """These credits in order and after all merges; those in ``veils`` under stand-ins."""
    roots = roots_of(view.rows, {row.contributor for row in rows})
    told = _under(roots, in_order(rows))
    if not veils:
        return told
    return [
        row._replace(contributor=-row.born, owner=row.contributor) if row.born in veils else row
        for row in told
    ]


def whole(view: View, rows: Sequence[Credited | CreditRow]) -> list[CreditRow]:
    """These credits with all the columns that answers show."""
    left = {row.work for row in rows if isinstance(row, Credited)}
    found = {row.born: row for row in credits_on(view, left)} if left else {}
    return [found[row.born] if isinstance(row, Credited) else row for row in rows]


def is_direct(tree: Pedigree[int], row: Credited | CreditRow) -> bool:
    """Whether a credit is direct: the person's contribution, not only influence, is in the work."""
    return row.kind == "direct" and row.work in tree.direct


def explain(
    tree: Pedigree[int],
    share: Share,
    paths: list[Ends[int]],
    ids: dict[int, str],
    credits: list[CreditLine],
) -> Part:
    """The part one person has in a work: roles, pieces, and the paths by which they came in."""
    pieces = {row.work for row in share.credits}
    return {
        "kind": "direct" if any(is_direct(tree, row) for row in share.credits) else "influence",
        "roles": list(dict.fromkeys(row.role for row in share.credits)),
        "generation": share.generation,
        "pieces": len(pieces),
        **lineage.counted(tree, pieces),
        "paths": [told_path(share, path, ids) for path in paths],
        "credit_count": len(share.credits),
        "credits": credits,
    }


def told_path(share: Share, path: Ends[int], ids: dict[int, str]) -> PathIn:
    """One path to a piece the person is credited on, with their roles in that piece."""
    end = path.works[-1]
    return {
        "kind": "direct" if path.is_direct else "influence",
        "works": [ids[work] for work in path.works],
        "left_out": path.left_out,
        "roles": list(dict.fromkeys(row.role for row in share.credits if row.work == end)),
    }


def told_credit(
    tree: Pedigree[int], row: CreditRow, ids: dict[int, str], texts: dict[str | None, str]
) -> CreditLine:
    """One credit within a work."""
    return {
        "id": row.id,
        "work": ids[row.work],
        "role": row.role,
        **name_on(row, texts),
        "kind": "direct" if is_direct(tree, row) else "influence",
        "state": row.state,
    }


@question(
    "list_work_contributors",
    "/works/{id}/contributors",
    cli="contributors",
    as_published=True,
    beside={"claims": pending.behind},
)
def contributors(
    view: View,
    id: WorkId,
    *,
    role: Annotated[Role | None, "In this role, or a narrower one."] = None,
    kind: Annotated[CreditKind | None, "direct or influence.", Example("direct")] = None,
    expand: Annotated[
        str | None,
        one_of(("groups",), "“groups”: with the people who were in each group at the time."),
    ] = None,
    after: After | None = None,
    limit: Limit = LIMIT,
) -> Page[PartOfPerson]:
    """Everyone who contributed to a work, through every generation, and by which paths.

    What is only claimed about a work does not count; ``claims`` says how much is waiting.
    """
    place = tuple(decode_cursor(after, int, int) or (-1, -1))
    root = lineage.find(view, id).number
    tree, rows, nearest = credits_above(view, root, role)
    left = [(person, near) for person, near in nearest.items() if near > place]
    if kind is not None:
        direct = {row.contributor for row in rows if is_direct(tree, row)}
        left = [one for one in left if (kind == "direct") == (one[0] in direct)]
    shown, more = cut(left, limit, itemgetter(1))
    page = shares_of(dict(shown), rows)
    people = persons(view, [share.person for share in page])
    explained = _explained(view, [(tree, share) for share in page])
    then = None if expand is None else _members_then(view, page)
    items: list[PartOfPerson] = [
        {
            "contributor": people[share.person],
            "members": None if then is None else then.get(share.person, []),
            **told,
        }
        for share, told in zip(page, explained, strict=True)
    ]
    return Page(items, more)


def _members_then(view: View, shares: Iterable[Share]) -> dict[int, list[MemberThen]]:
    """By group: the members it had when a work was made on which the group is credited."""
    works = {share.person: {row.work for row in share.credits} for share in shares}
    found = groups.behind(view, works)
    people = persons(view, {one.contributor for each in found.values() for one in each})
    return {
        group: [{"contributor": people[one.contributor], "roles": one.does} for one in each]
        for group, each in found.items()
    }


def _explained(view: View, shares: Sequence[tuple[Pedigree[int], Share]]) -> list[Part]:
    """What answers show of each share; ids and texts are read together for all.

    The longer the page, the fewer paths and credits it lists for each person.
    """
    many = max(len(shares), LIMIT)
    most, most_paths = (max(1, each * LIMIT // many) for each in (CREDITS_SHOWN, PATHS))
    shown = [share.credits[:most] for _, share in shares]
    paths = [
        lineage.shown_paths(tree, {row.work for row in share.credits}, most_paths)
        for tree, share in shares
    ]
    rows = iter(whole(view, list(chain.from_iterable(shown))))
    own = [list(islice(rows, len(one))) for one in shown]
    texts = texts_of(view, chain.from_iterable(own))
    ends = {work for found in paths for path in found for work in path.works}
    ids = lineage.ids_of(view, ends.union(row.work for row in chain.from_iterable(own)))
    return [
        explain(tree, share, found, ids, [told_credit(tree, row, ids, texts) for row in lines])
        for (tree, share), found, lines in zip(shares, paths, own, strict=True)
    ]


def find_person(view: View, id: str) -> tuple[int, str, str | None, str, int | None, int]:
    """The row of a contributor; raises UnknownContributor if there is none with this id."""
    row = view.one(
        "SELECT p.number, p.id, p.name, p.state, p.merged_into, p.born FROM @contributors p "
        f"WHERE p.id = :id AND {holds('p')}",
        id=id,
    )
    if row is None:
        raise UnknownContributor(id)
    return row


@question("show_contributor", "/contributors/{id}", parts=("formerly",))
def person(view: View, id: ContributorId) -> Person:
    """One contributor, and the account they were merged into."""
    number, _, _, state, merged_into, born = find_person(view, id)
    into = persons(view, [merged_into])[merged_into]["id"] if merged_into is not None else None
    return {
        "id": id,
        "name": persons(view, [number])[number]["name"],
        "identifiers": identifiers.of(view, number),
        "formerly": _former_names(view, number),
        "state": state,
        "did": _done_by(view, [number]).get(number, []),
        "merged_into": into,
        "position": born,
    }


def _former_names(view: View, number: int) -> list[str]:
    """Former names of a contributor whose texts were not erased, the latest first."""
    rows = view.rows(
        "SELECT DISTINCT v.value, p.since FROM @contributors p JOIN vault v ON v.digest = p.name "
        "WHERE p.number = :number AND p.since <= :as_of ORDER BY p.since DESC",
        number=number,
    )
    names = list(dict.fromkeys(name for name, _ in rows))
    return names[1:]


@question("list_contributors", "/contributors", cli="contributor list")
def people(
    view: View,
    *,
    sort: SortOfPeople = "admitted",
    reverse: Reverse = False,
    after: After | None = None,
    limit: Limit = LIMIT,
    **asked: Unpack[PeopleFilters],
) -> Page[PersonItem]:
    """Find contributors by name, registry number or role, in the order registered."""
    found = finding.people_who(asked)
    page, more = finding.in_order(
        view,
        f"p.number, p.id, {_NAME} AS name, p.state",
        f"@contributors p LEFT JOIN vault v ON v.digest = p.name WHERE {found.where}",
        finding.PEOPLE_ORDERS[sort],
        after,
        limit,
        reverse=reverse,
        **found.values,
    )
    did = _done_by(view, [number for number, *_ in page], asked)
    items: list[PersonItem] = [
        {"id": id, "name": name, "state": state, "did": did.get(number, [])}
        for number, id, name, state, *_ in page
    ]
    return Page(items, more)


def _done_by(
    view: View, numbers: Collection[int], asked: PeopleFilters | None = None
) -> dict[int, list[Did]]:
    """By person: their roles within the filters, if any, starting with those on most works."""
    doing = finding.doing(asked or {})
    rows = view.rows(
        f"WITH RECURSIVE {finding.SAME.format(who='p.number IN :people')} SELECT same.person, "
        f"c.role, count(DISTINCT c.work) AS works, max(c.work) {doing.where} "
        "GROUP BY same.person, c.role ORDER BY works DESC, c.role",
        people=[*numbers],
        **doing.values,
    )
    latest, done = lineage.references(view, {row[-1] for row in rows}), dict[int, list[Did]]()
    for person, role, works, work in rows:
        done.setdefault(person, []).append({"role": role, "works": works, "latest": latest[work]})
    return done


@question("count_contributors", "/contributors/facets", cli="contributor facets")
def people_facets(view: View, **asked: Unpack[PeopleFilters]) -> PeopleFacets:
    """How many contributors match every filter, in total and by role and medium."""
    return finding.facets_of_people(view, finding.people_who(asked))


def after_merges(view: View, number: int) -> int:
    """The number of the account that this one belongs to after all merges."""
    return roots_of(view.rows, [number]).get(number, number)


def find_root(view: View, id: str) -> int:
    """The number of the account that the one with this id belongs to after all merges."""
    number, _, _, _, merged_into, _ = find_person(view, id)
    return number if merged_into is None else after_merges(view, merged_into)


def persons_of(view: View, ids: Collection[str]) -> dict[str, str]:
    """The ids of the accounts that these belong to after all merges, by their own ids."""
    rows = view.rows(
        f"{PLANNED_ONCE}SELECT p.id, i.id FROM @contributors p LEFT JOIN @contributors i "
        f"ON i.number = p.merged_into AND {holds('i')} WHERE p.id IN :ids AND {holds('p')}",
        ids=sorted(ids),
    )
    into = {id: target for id, target in rows if target is not None}
    further = persons_of(view, into.values()) if into else {}
    return {id: further[target] if target is not None else id for id, target in rows}


def people_named(view: View, ids: Iterable[str]) -> dict[str, PersonRef]:
    """The contributors with these ids, ignoring merges."""
    numbers = view.numbers("contributors", ids)
    told = persons(view, numbers.values())
    return {id: told[number] for id, number in numbers.items()}


def people_with(view: View, ids: Collection[str]) -> dict[str, PersonRef]:
    """The people these accounts belong to after all merges, by the ids of the accounts."""
    into = persons_of(view, ids)
    told = people_named(view, {*into.values()})
    return {id: told[person] for id, person in into.items()}


def accounts(view: View, id: str) -> list[int]:
    """The numbers of all accounts of the person this id belongs to, after all merges."""
    return accounts_of(view, find_root(view, id))


def account_ids(view: View, id: str) -> list[str]:
    """The ids of all accounts of the person this id belongs to."""
    return [*view.ids("contributors", accounts(view, id)).values()]


def accounts_of(view: View, number: int) -> list[int]:
    """The number of an account and those of all merged into it, directly or not."""
    return [*accounts_under(view.rows, [number])]


@question("list_attribution", "/contributors/{id}/attribution", cli="attribution")
def attribution(view: View, id: ContributorId, **part: Unpack[Paged]) -> Page[PartInRelease]:
    """Every release this person is in, in which roles, and through which pieces; latest first."""
    same = accounts(view, id)
    page, more = view.page(
        "WITH RECURSIVE down (number) AS ("
        f"SELECT c.work FROM @credits c WHERE c.contributor IN :accounts AND {_COUNTED} "
        f"AND {NOT_HIDDEN} "
        "UNION SELECT e.child FROM down JOIN EACH @remixes e ON e.parent = down.number "
        f"WHERE {counting('e', remix.NOT_COUNTED)} AND {holds('e')}) "
        # Not a join, for which SQLite would scan every release.
        "SELECT w.number FROM @works w WHERE w.number IN (SELECT number FROM down) "
        f"AND w.kind = 'release' AND {holds('w')} AND w.number < :beyond ORDER BY w.number DESC",
        **part,
        first=NEVER,
        accounts=same,
    )
    numbers = [number for (number,) in page]
    own = _credits(
        view, f"c.contributor IN :accounts AND {_COUNTED} AND {NOT_HIDDEN}", accounts=same
    )
    trees = lineage.lineages_to(view, numbers, {row.work for row in own})
    shares = []
    for number in numbers:
        tree = trees[number]
        here = [row for row in own if row.work in tree.generation]
        (share,) = shares_of(nearest_in(tree, here), here)
        shares.append((tree, share))
    rows = lineage.rows_of(view, numbers)
    texts = view.texts({row.title for row in rows.values()})
    items: list[PartInRelease] = [
        {
            "release": {
                **lineage.reference(rows[number], texts),
                "published": lineage.publication(rows[number]),
            },
            **told,
        }
        for number, told in zip(numbers, _explained(view, shares), strict=True)
    ]
    return Page(items, more)


def makers(view: View, works: Collection[int]) -> dict[int, list[Maker]]:
    """Who is credited directly on each work: the names on its card."""
    rows = credits_on(view, works)
    people = persons(view, {row.contributor for row in rows})
    return makers_of(rows, people, texts_of(view, rows))


def makers_of(
    rows: Iterable[CreditRow], people: Mapping[int, PersonRef], texts: Mapping[str | None, str]
) -> dict[int, list[Maker]]:
    """As ``makers``, from credits, people and texts already read."""
    made: dict[int, dict[tuple[object, ...], Maker]] = {}
    for row in rows:
        if row.kind == "direct":
            maker: Maker = {**people[row.contributor], "role": row.role, **name_on(row, texts)}
            # A person merged from two singers is listed once.
            named = maker["id"], maker["role"], maker["credited_as"], maker["join_phrase"]
            made.setdefault(row.work, {}).setdefault(named, maker)
    return {work: list(makers.values()) for work, makers in made.items()}


def lineage_with_makers(view: View, id: str) -> lineage.Shown:
    """A work and everything it was made from, each work with who is credited on it."""
    shown = lineage.lineage(view, id)
    made = makers(view, shown.numbers)
    for number, work in zip(shown.numbers, shown.works.values(), strict=True):
        work["contributors"] = made.get(number, [])
    return shown
