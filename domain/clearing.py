"""Licence clearing: when a release is published, the licences of all its sources are checked.

Depending on a setting, a conflict is refused, or recorded with the publication and warned of. The
check is repeated for sources added or joined later, and when a free release is to earn money.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice

from domain.acyclic import Searched, everything_above, everything_below
from domain.conflicts import Broken, Licences, given_since
from domain.licensing import RULES, Licence, broken, terms_of
from domain.lineage import Edge, Lineage
from domain.money.pool import Pool
from domain.outside import Outside
from domain.past import Past
from domain.refusal import MOST_LISTED, LicenceConflict
from domain.release import FREE, Release
from domain.remix import Remix
from domain.work import Work


def licence_on_record(past: Past, work: Work) -> str | None:
    """The licence of a work's node, stated by the node itself or a work joined into it."""
    stated = _stated(past, work)
    return None if stated is None else stated.licence


def _stated(past: Past, work: Work) -> Work | None:
    """The work of the same node whose licence counts for the node."""
    known = past.known
    node = known.node(work.id)
    same = known.members(node)
    if len(same) == 1:
        return work if work.licence else None
    # A source that the current command cites has no facts yet.
    recorded = (past.work(id) for id in same if past.stream(id))
    works = sorted(recorded, key=lambda one: (one.id != node, one.position))
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

    def given(edge: Edge[str]) -> Sequence[Licence]:
        every = given_by(found[edge.parent])
        if len(every) == 1 or not edge.id:  # true of almost every work; saves reading the remix
            return [every[-1][1]]
        return given_since(past.get(Remix, edge.id).position, every)

    return Licences(lineage, now, given)


def given_by(work: Work) -> list[tuple[int, Licence]]:
    """The licences that a work has had, each with the position from which it held."""
    if isinstance(work, Outside):  # only the present licence of an outside source is known
        return [(0, terms_of(str(work.licence)))]
    stated = ((at, getattr(happened, "licence", None)) for at, happened in work.facts)
    return [(at, terms_of(licence)) for at, licence in stated if licence]


def cleared(past: Past, release: Release, offered: str | None) -> list[str]:
    """The licence conflicts of publishing a release, each as ``rule child parent``.

    They are warned of or, by setting, refused (``LicenceConflict``).
    """
    found = along(past, release.id).conflicts()
    return must_be_clear(past, _matters(past, release, found, is_sold=offered != FREE))


def _earns(past: Past, release: Release) -> bool:
    """Whether a release has a pool, so that it may earn money although it is free."""
    past.watch(Pool.Opened.TOPIC, release.id)
    return bool(past.known.saying((Pool.Opened,), "release", [release.id]))


def must_be_clear(past: Past, conflicts: Iterable[Broken[str]]) -> list[str]:
    """Warn of the first MOST_LISTED conflicts or, by setting, refuse; they are also returned."""
    found = [*islice(conflicts, MOST_LISTED)]
    for one in found:
        details = {"child": one.child, "parent": one.parent, "licence": one.licence.name}
        details |= {"rule": RULES[one.code].says.rstrip("."), "code_of_rule": one.code}
        if past.refuses_licences:
            raise LicenceConflict(*details.values())
        past.warn(LicenceConflict.code, **details)
    return [f"{one.code} {one.child} {one.parent}" for one in found]


def must_suit_licence(
    past: Past,
    child: str,
    licence: str | None,
    parent: Work,
    kind: str,
    stated: Collection[str] = (),
) -> None:
    """Warn of a remix that violates the licence of its source or, by setting, refuse it.

    If no licence of the source is on record, those ``stated`` in the same command are checked.
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
    """Warn of, or refuse, a new licence of a work that conflicts with those of its sources."""
    known = past.known
    found = _licensed(past, Lineage(known.node(work.id), tuple(known.edges([work.id]))))
    now = {**found.now, found.lineage.root: terms_of(licence)}
    must_be_clear(past, (one for one in found._replace(now=now).conflicts() if one.remix))


def must_suit_releases(past: Past, late: Edge[str], searched: Searched) -> None:
    """Warn of, or refuse, conflicts that a new edge causes in published releases.

    Those are the releases below the edge's child; the edge has no id while it is being declared.
    ``searched`` mostly shows at once that there is no licence above it, or no release below.
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
        return (one for one in found if one.remix != late.id)  # reported by must_suit_licence

    above = {*everything_above(past, late.parent)}
    must_be_clear(past, _new(past, works, above, brought, lambda one: one[:3]))


def must_suit_sale(past: Past, release: Release) -> None:
    """Warn of, or refuse, a free release that is to earn money from non-commercial sources."""
    past.watch(Release.Published.TOPIC, release.id)
    if release.state == Release.Published.STATE and release.offered == FREE:
        must_be_clear(past, along(past, release.id).unsold())


def must_suit_join(past: Past, works: Sequence[str], node: str, moved: Collection[str]) -> None:
    """Warn of, or refuse, conflicts that joining works causes in releases made from them."""
    above = {each for work in works for each in everything_above(past, work)}
    if past.licensed(past.known.same(above)):
        must_be_clear(past, _joined(past, works, above, node, moved))


def _joined(
    past: Past, works: Sequence[str], above: set[str], node: str, moved: Collection[str]
) -> Iterator[Broken[str]]:
    """The conflicts in published releases that these works cause only once they are joined."""
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
    """The conflicts that a change causes in published releases among the works ``below``.

    ``after`` gives the conflicts of a release after the change. Those it had before are left out,
    and one conflict is reported only once (compared by ``place``).
    """
    seen = set[tuple[object, ...]]()
    for release in _published(past, below):
        before = set(map(place, along(past, release.id).conflicts()))
        every = above.union(everything_above(past, release.id))
        for one in _matters(past, release, after(release.id, every), is_sold=release.is_sold):
            if place(one) not in before | seen:
                seen.add(place(one))
                yield one


def _matters(
    past: Past, release: Release, found: Iterable[Broken[str]], *, is_sold: bool
) -> Iterator[Broken[str]]:
    """The conflicts that matter: non-commercial sources do not if the release earns nothing."""
    is_sold = is_sold or _earns(past, release)
    return (one for one in found if is_sold or one.code != "non_commercial")


def _published(past: Past, works: Collection[str]) -> list[Release]:
    """The published releases among these works; publications are watched."""
    past.watch(Release.Published.TOPIC, *works)
    published = past.published(works)
    found = (past.work(id) for id in works if id in published)
    return [one for one in found if isinstance(one, Release)]


def _place(one: Broken[str], node: str, moved: Collection[str]) -> tuple[str, str, str]:
    child, parent = (node if end in moved else end for end in (one.child, one.parent))
    return one.code, child, parent
