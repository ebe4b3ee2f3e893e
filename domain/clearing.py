"""Clearing: the licences of all that a release was made from are checked when it is published.

By setting, a conflict is refused; else it is recorded with the publication, and warned of. The same
is asked again of what is added or joined later, and when what was given away is to earn money.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice

from domain.acyclic import everything_above, everything_below
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
    same = known.same([work.id])
    if same == {work.id}:
        return work if work.licence else None
    node = known.node(work.id)
    works = sorted(map(past.work, same), key=lambda one: (one.id != node, one.position))
    return next((one for one in works if one.licence), None)


def along(past: Past, work: str) -> Licences[str]:
    """The licences of a work and of everything it was made from."""
    return _along(past, work, everything_above(past, work))


def _along(past: Past, work: str, above: Collection[str]) -> Licences[str]:
    past.watch_edges(*above)
    past.watch(Work.Described.TOPIC, *above)
    known = past.known
    known.nodes(above)
    return _licensed(past, Lineage(known.node(work), tuple(known.edges(above))))


def _licensed(past: Past, lineage: Lineage[str]) -> Licences[str]:
    known = past.known
    stating = past.stating(known.same(lineage.generation), "licence")
    some = (id for id in lineage.generation if not stating.isdisjoint(known.same([id])))
    stated = {id: _stated(past, past.work(id)) for id in some}
    licensed = {id: one for id, one in stated.items() if one is not None}
    now = {id: terms_of(str(one.licence)) for id, one in licensed.items()}

    def given(edge: Edge[str]) -> Sequence[Terms]:
        every = given_by(licensed[edge.parent])
        if len(every) == 1:  # of almost every work, and so no remix is read
            return [every[0][1]]
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
    is_sold = offered != FREE or _earns(past, release)
    every = along(past, release.id).conflicts()
    found = (one for one in every if is_sold or one.code != "non_commercial")
    return must_be_clear(past, found)


def _earns(past: Past, release: Release) -> bool:
    """Whether money may come in for a release, although it is given away."""
    past.watch(Pool.Opened.TOPIC, release.id)
    return bool(past.known.saying((Pool.Opened,), "release", [release.id]))


def _is_sold(past: Past, release: Release) -> bool:
    """Whether it is out, and somebody pays for it."""
    is_published = release.state == Release.Published.STATE
    return release.is_sold or (is_published and _earns(past, release))


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
    stated: Iterable[str] = (),
) -> None:
    """Warn of a remix that the licence of its source does not allow or, by setting, refuse it.

    Licences ``stated`` of the source at the same moment count, each, if none is on record.
    """
    on_record = licence_on_record(past, parent)
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


def must_suit_publication(past: Past, release: Release, parent: str) -> None:
    """The same for what is added to a release that is sold, or earns money, already."""
    if _is_sold(past, release):
        must_be_clear(past, _unsold(along(past, parent), release.id))


def must_suit_sale(past: Past, release: Release) -> None:
    """The same for money that a release earns which was given away."""
    past.watch(Release.Published.TOPIC, release.id)
    if release.state == Release.Published.STATE and release.offered == FREE:
        must_be_clear(past, along(past, release.id).unsold())


def must_suit_join(past: Past, works: Sequence[str], node: str, moved: Collection[str]) -> None:
    """The same for works that become one, of every release that was made from any of them."""
    above = {each for work in works for each in everything_above(past, work)}
    if past.stating(past.known.same(above), "licence"):
        must_be_clear(past, _joined(past, works, above, node, moved))


def _joined(
    past: Past, works: Sequence[str], above: set[str], node: str, moved: Collection[str]
) -> Iterator[Broken[str]]:
    """What conflicts in releases that are out only once these works are one."""
    below = dict.fromkeys(each for work in works for each in everything_below(past, work))
    published = past.among(below, lambda placed: placed.topic == Release.Published.TOPIC)
    for release in (past.work(id) for id in below if id in published):
        if isinstance(release, Release) and _is_sold(past, release):
            before = {_place(one, node, moved) for one in along(past, release.id).conflicts()}
            with past.as_joined(node, moved):
                every = above.union(everything_above(past, release.id))
                found = [*_along(past, release.id, every).conflicts()]
            yield from (one for one in found if _place(one, node, moved) not in before)


def _place(one: Broken[str], node: str, moved: Collection[str]) -> tuple[str, str, str]:
    child, parent = (node if end in moved else end for end in (one.child, one.parent))
    return one.code, child, parent


def _unsold(licences: Licences[str], release: str) -> Iterator[Broken[str]]:
    root = licences.lineage.root
    own = licences.now.get(root)
    if own is not None and "NC" in (own.elements or ()):
        yield Broken("non_commercial", release, root, own)
    yield from (one._replace(child=release) for one in licences.unsold())
