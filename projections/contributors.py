"""Contributors: people and groups, how answers name them, and who they are after all merges."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Unpack

from domain.engine import PLANNED_ONCE, Row
from domain.refusal import UnknownContributor
from domain.values import ContributorId
from projections import finding, hidden, identifiers, lineage
from projections.finding import PeopleFilters, Reverse, SortOfPeople
from projections.merges import accounts_under, roots_of
from projections.pages import LIMIT, Page
from projections.question import After, Limit, question
from projections.store import View, holds
from projections.tables import NEVER
from projections.told import Did, PeopleFacets, Person, PersonItem, PersonRef

NAME = (
    "coalesce((SELECT v.value FROM vault v WHERE v.digest = p.name), "
    "(SELECT v.value FROM vault v JOIN @contributors n ON v.digest = n.name "
    f"WHERE n.number = p.number AND n.until = {NEVER}))"
)
"""A person's name at the position, or their current one if the text of that name was erased."""
_NUMBER = f"(SELECT s.number FROM @contributors s WHERE s.id = :id AND {holds('s')})"
"""The number of the contributor with the id ``:id``."""
_PERSONS, _PEOPLE, _IDS = "persons", "people by id", "ids of contributors"


def persons(view: View, numbers: Iterable[int]) -> dict[int, PersonRef]:
    """People by their numbers, as answers refer to them."""
    return persons_later(view, numbers)()


def persons_later(view: View, numbers: Iterable[int]) -> Callable[[], dict[int, PersonRef]]:
    """People by their numbers, once the returned function is called.

    The query is sent in one message with others that wait by then.
    """
    wanted, known = set(numbers), view.known(_PERSONS)
    left = [number for number in wanted if number > 0 and number not in known]
    sql = f"SELECT p.number, p.id, {NAME} FROM @contributors p WHERE p.number IN :numbers "
    rows = view.later(f"{PLANNED_ONCE}{sql}AND {holds('p')}", numbers=left) if left else ()

    def told() -> dict[int, PersonRef]:
        known.update((number, {"id": id, "name": name}) for number, id, name in rows)
        found: dict[int, PersonRef] = {one: known[one] for one in wanted if one in known}
        return found | {one: {"id": id, "name": None} for one, id in _veils(view, wanted)}

    return told


def note_name(view: View, number: int, id: str, name: str | None) -> None:
    """Note the name of a contributor that was read by the way, so that it is not read again."""
    view.known(_PERSONS)[number] = {"id": id, "name": name}


def ids_of(view: View, numbers: Iterable[int]) -> dict[int, str]:
    """The ids of contributors by their numbers."""
    return view.looked_up(_IDS, numbers, partial(view.ids, "contributors"))


def ids_of_persons(view: View, numbers: Iterable[int]) -> dict[int, str]:
    """The ids of people by their numbers; for a hidden credit's stand-in, the credit's id."""
    wanted = set(numbers)
    return ids_of(view, wanted) | dict(_veils(view, wanted))


def _veils(view: View, wanted: Collection[int]) -> Iterator[tuple[int, str]]:
    """The stand-ins for contributors of hidden credits: number, and the id of the credit."""
    if min(wanted, default=0) < 0:
        yield from ((-born, id) for id, born in hidden.positions(view).items() if -born in wanted)


def find_person(view: View, id: str) -> tuple[int, str, str | None, str, int | None, int]:
    """The row of a contributor; raises UnknownContributor if there is none with this id."""

    def read(_: list[str]) -> dict[str, Row]:
        row = view.one(_FOUND, id=id)
        if row is None:
            raise UnknownContributor(id)
        return {id: _noted(view, row)}

    number, _, digest, state, merged_into, born, _ = view.looked_up(_PEOPLE, [id], read)[id]
    return number, id, digest, state, merged_into, born


def _noted(view: View, row: Row) -> Row:
    """A contributor that was read, noted so that they are not read again."""
    number, id, *_, name = row
    note_name(view, number, id, name)
    view.known(_IDS)[number], view.known(_PEOPLE)[id] = id, row
    return row


_FOUND = (
    f"SELECT p.number, p.id, p.name, p.state, p.merged_into, p.born, {NAME} "
    f"FROM @contributors p WHERE p.id = :id AND {holds('p')}"
)


@question("show_contributor", "/contributors/{id}", parts=("formerly",))
def person(view: View, id: ContributorId) -> Person:
    """One contributor, and the account they were merged into."""
    rows = view.later(_FOUND, id=id)
    numbers, names = identifiers.asked_of(view, _NUMBER, id=id), _names(view, id)
    done = _done_by(view, f"p.number = {_NUMBER}", id=id)
    for number, _, _, state, merged_into, born, name in (_noted(view, row) for row in rows):
        into = persons(view, [merged_into])[merged_into]["id"] if merged_into is not None else None
        return {
            "id": id,
            "name": name,
            "identifiers": identifiers.told(numbers, view.texts(identifiers.texts_of(numbers))),
            "formerly": list(dict.fromkeys(name for name, _ in names))[1:],
            "state": state,
            "did": done().get(number, []),
            "merged_into": into,
            "position": born,
        }
    raise UnknownContributor(id)


def _names(view: View, id: str) -> Sequence[Row]:
    """The names of a contributor whose texts were not erased, the latest first, deferred."""
    return view.later(
        "SELECT DISTINCT v.value, p.since FROM @contributors p JOIN vault v ON v.digest = p.name "
        f"WHERE p.number = {_NUMBER} AND p.since <= :as_of ORDER BY p.since DESC",
        id=id,
    )


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
    found = finding.people_who(view, asked)
    page, more = finding.in_order(
        view,
        f"p.number, p.id, {NAME} AS name, p.state",
        f"@contributors p LEFT JOIN vault v ON v.digest = p.name WHERE {found.where}",
        finding.PEOPLE_ORDERS[sort],
        after,
        limit,
        reverse=reverse,
        **found.values,
    )
    return Page(_items(view, page, asked), more)


def with_numbers(view: View, numbers: Sequence[int]) -> list[PersonItem]:
    """The people with these numbers, in this order, as a list of people shows them."""
    rows = view.rows(
        f"SELECT p.number, p.id, {NAME} AS name, p.state FROM @contributors p "
        f"WHERE p.number IN :numbers AND {holds('p')}",
        numbers=numbers,
    )
    return _items(view, sorted(rows, key=lambda row: numbers.index(row[0])))


def _items(view: View, rows: Sequence[Row], asked: PeopleFilters | None = None) -> list[PersonItem]:
    did = _done_by(view, "p.number IN :people", asked, people=[number for number, *_ in rows])()
    return [
        {"id": id, "name": name, "state": state, "did": did.get(number, [])}
        for number, id, name, state in rows
    ]


def _done_by(
    view: View, who: str, asked: PeopleFilters | None = None, **values: Any
) -> Callable[[], dict[int, list[Did]]]:
    """By person: their roles within the filters, if any, starting with those on most works.

    The query is deferred; ``who`` is the condition of the people ``p``.
    """
    doing = finding.doing(asked or {})
    rows = view.later(
        f"WITH RECURSIVE {finding.SAME.format(who=who)} SELECT same.person, "
        f"c.role, count(DISTINCT c.work) AS works, max(c.work) {doing.where} "
        "GROUP BY same.person, c.role ORDER BY works DESC, c.role",
        **values,
        **doing.values,
    )

    def told() -> dict[int, list[Did]]:
        latest, done = lineage.references(view, {row[-1] for row in rows}), dict[int, list[Did]]()
        for person, role, works, work in rows:
            did: Did = {"role": role, "works": works, "latest": latest[work]}
            done.setdefault(person, []).append(did)
        return done

    return told


@question("count_contributors", "/contributors/facets", cli="contributor facets")
def people_facets(view: View, **asked: Unpack[PeopleFilters]) -> PeopleFacets:
    """How many contributors match every filter, in total and by role and medium, up to 2,000."""
    return finding.facets_of_people(view, finding.people_who(view, asked))


# -- after merges --------------------------------------------------------------------------


def after_merges(view: View, number: int) -> int:
    """The number of the account that this one belongs to after all merges."""
    return roots_of(view.rows, [number]).get(number, number)


def find_root(view: View, id: str) -> int:
    """The number of the account that the one with this id belongs to after all merges."""
    number, _, _, _, merged_into, _ = find_person(view, id)
    return number if merged_into is None else after_merges(view, merged_into)


def persons_of(view: View, ids: Collection[str]) -> dict[str, str]:
    """The ids of the accounts that these belong to after all merges, by their own ids."""
    rows = view.rows_for(
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
    return [*ids_of(view, accounts(view, id)).values()]


def accounts_of(view: View, number: int) -> list[int]:
    """The number of an account and those of all merged into it, directly or not."""

    def read(_: list[int]) -> dict[int, list[int]]:
        return {number: [*accounts_under(view.rows, [number])]}

    return [*view.looked_up("accounts", [number], read)[number]]
