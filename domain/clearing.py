"""Clearing: the licences of all that a release was made from are checked when it is published.

By setting, a conflict is refused; else it is recorded with the publication, and warned of. The same
is asked again of what is added or joined later, and when what was given away is to earn money.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice

from domain.acyclic import Searched, everything_above, everything_below
from domain.conflicts import Broken, Licences, given_since
from domain.licensing import RULES, Terms, broken, terms_of
from domain.lineage import Edge, Lineage
from domain.money.pool import Pool
from domain.outside import Outside
from domain.past import Past
from domain.refusal import MOST_LISTED, LicenceConflict
from domain.release import FREE, Release
from domain.remix import Remix
from domain.work import Work


def licence_on_record(past: Past, work: Work) -> str | None:
    """The licence of the node that a work is, or of what was joined into it."""
    stated = _stated(past, work)
    return None if stated is None else stated.licence


def _stated(past: Past, work: Work) -> Work | None:
    """The work whose licence is that of the node."""
    known = past.known
    node = known.node(work.id)
    same = known.members(node)
    if len(same) == 1:
        return work if work.licence else None
    there = (past.work(id) for id in same if past.stream(id))  # not one that is cited just now
    works = sorted(there, key=lambda one: (one.id != node, one.position))
    return next((one for one in works if one.licence), None)


def along(past: Past, work: str) -> Licences[str]:
    """The licences of a work and of everything it was made from."""
    return _along(past, work, everything_above(past, work))


def _along(
    past: Past, work: str, above: Collection[str], late: Sequence[Edge[str]] = ()
) -> Licences[str]:
    past.watch_edges(*above)
    past.watch(Work.Described.TOPIC, *above)
    known = past.known
    known.nodes(above)
    edges = known.edges(above) if past.licensed(known.same(above)) else ()
    return _licensed(past, Lineage(known.node(work), (*edges, *late)))


def _licensed(past: Past, lineage: Lineage[str]) -> Licences[str]:
    known = past.known
    licensed = past.licensed(known.same(lineage.generation))
    some = (id for id in lineage.generation if not licensed.isdisjoint(known.same([id])))
    stated = {id: _stated(past, past.work(id)) for id in some}
    found = {id: one for id, one in stated.items() if one is not None}
    now = {id: terms_of(str(one.licence)) for id, one in found.items()}

    def given(edge: Edge[str]) -> Sequence[Terms]:
        every = given_by(found[edge.parent])
        if len(every) == 1 or not edge.id:  # of almost every work, and so no remix is read
            return [every[-1][1]]
        return given_since(past.get(Remix, edge.id).position, every)

    return Licences(lineage, now, given)


def given_by(work: Work) -> list[tuple[int, Terms]]:
    """The licences that a work has had, and from which position on."""
    if isinstance(work, Outside):  # what is elsewhere has the licence that is known of it now
        return [(0, terms_of(str(work.licence)))]
    stated = ((at, getattr(happened, "licence", None)) for at, happened in work.facts)
    return [(at, terms_of(licence)) for at, licence in stated if licence]


def cleared(past: Past, release: Release, offered: str | None) -> list[str]:
    """What conflicts with the publication of a release, refused by setting or warned of.

    Each is a rule, the child and the parent.
    """
    found = along(past, release.id).conflicts()
    return must_be_clear(past, _matters(past, release, found, is_sold=offered != FREE))


def _earns(past: Past, release: Release) -> bool:
    """Whether money may come in for a release, although it is given away."""
    past.watch(Pool.Opened.TOPIC, release.id)
    return bool(past.known.saying((Pool.Opened,), "release", [release.id]))


def must_be_clear(past: Past, conflicts: Iterable[Broken[str]]) -> list[str]:
    """Refuse these conflicts by setting, or warn of them; the first of them, in plain words."""
    found = [*islice(conflicts, MOST_LISTED)]
    for one in found:
        said = {"child": one.child, "parent": one.parent, "licence": one.licence.name}
        said |= {"rule": RULES[one.code].says.rstrip("."), "code_of_rule": one.code}
        if past.refuses_licences:
            raise LicenceConflict(*said.values())
        past.warn(LicenceConflict.code, **said)
    return [f"{one.code} {one.child} {one.parent}" for one in found]


def must_suit_licence(
    past: Past,
    child: str,
    licence: str | None,
    parent: Work,
    kind: str,
    stated: Collection[str] = (),
) -> None:
    """Warn of a remix that the licence of its source does not allow or, by setting, refuse it.

    Licences ``stated`` of the source at the same moment count, each, if none is on record.
    """
    on_record = licence_on_record(past, parent)
    if on_record is None and not stated:
        return
    conflicts = (
        Broken(code, child, parent.id, terms_of(of_parent))
        for of_parent in ([on_record] if on_record else dict.fromkeys(stated))
        for code in broken(terms_of(of_parent), (licence and terms_of(licence)) or None, kind)
    )
    must_be_clear(past, conflicts)


def must_suit_sources(past: Past, work: Work, licence: str) -> None:
    """The same for another licence of a work, with what it was made from."""
    known = past.known
    found = _licensed(past, Lineage(known.node(work.id), tuple(known.edges([work.id]))))
    now = {**found.now, found.lineage.root: terms_of(licence)}
    must_be_clear(past, (one for one in found._replace(now=now).conflicts() if one.remix))


def must_suit_releases(past: Past, late: Edge[str], searched: Searched) -> None:
    """The same of every release that is out and made of an edge's child, for all that it brings.

    An edge without an id is one that is declared now. Mostly the smaller side shows that there is
    no licence above it, or no release below.
    """
    works = searched.works
    if searched.is_above:
        past.watch(Work.Described.TOPIC, *works)
        if not past.licensed(works):
            return
        works = everything_below(past, late.child)
    if not _published(past, works):
        return
    nodes = past.known.nodes((late.child, late.parent))
    late = late._replace(child=nodes[late.child], parent=nodes[late.parent])

    def brought(release: str, every: Collection[str]) -> Iterator[Broken[str]]:
        found = _along(past, release, every, [late]).conflicts()
        return (one for one in found if one.remix != late.id)  # which is said already

    above = {*everything_above(past, late.parent)}
    must_be_clear(past, _new(past, works, above, brought, lambda one: one[:3]))


def must_suit_sale(past: Past, release: Release) -> None:
    """The same for money that a release earns which was given away."""
    past.watch(Release.Published.TOPIC, release.id)
    if release.state == Release.Published.STATE and release.offered == FREE:
        must_be_clear(past, along(past, release.id).unsold())


def must_suit_join(past: Past, works: Sequence[str], node: str, moved: Collection[str]) -> None:
    """The same for works that become one, of every release that was made from any of them."""
    above = {each for work in works for each in everything_above(past, work)}
    if past.licensed(past.known.same(above)):
        must_be_clear(past, _joined(past, works, above, node, moved))


def _joined(
    past: Past, works: Sequence[str], above: set[str], node: str, moved: Collection[str]
) -> Iterator[Broken[str]]:
    """What conflicts in releases that are out only once these works are one."""
    below = dict.fromkeys(each for work in works for each in everything_below(past, work))

    def joined(release: str, every: Collection[str]) -> list[Broken[str]]:
        with past.as_joined(node, moved):
            return [*_along(past, release, every).conflicts()]

    return _new(past, below, above, joined, lambda one: _place(one, node, moved))


def _new(
    past: Past,
    below: Collection[str],
    above: set[str],
    after: Callable[[str, Collection[str]], Iterable[Broken[str]]],
    place: Callable[[Broken[str]], tuple[object, ...]],
) -> Iterator[Broken[str]]:
    """What conflicts after a change in those of these works that are releases which are out.

    What conflicted before is not said again, nor is one conflict said of each of them.
    """
    said = set[tuple[object, ...]]()
    for release in _published(past, below):
        before = set(map(place, along(past, release.id).conflicts()))
        every = above.union(everything_above(past, release.id))
        for one in _matters(past, release, after(release.id, every), is_sold=release.is_sold):
            if place(one) not in before | said:
                said.add(place(one))
                yield one


def _matters(
    past: Past, release: Release, found: Iterable[Broken[str]], *, is_sold: bool
) -> Iterator[Broken[str]]:
    """Without what matters only if somebody pays for a release, if nobody does."""
    is_sold = is_sold or _earns(past, release)
    return (one for one in found if is_sold or one.code != "non_commercial")


def _published(past: Past, works: Collection[str]) -> list[Release]:
    """Those of these works that are releases which are out."""
    past.watch(Release.Published.TOPIC, *works)
    published = past.published(works)
    found = (past.work(id) for id in works if id in published)
    return [one for one in found if isinstance(one, Release)]


def _place(one: Broken[str], node: str, moved: Collection[str]) -> tuple[str, str, str]:
    child, parent = (node if end in moved else end for end in (one.child, one.parent))
    return one.code, child, parent
