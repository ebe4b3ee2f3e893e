"""Audits the data stored beside the facts: remembered requests, and what counts toward quotas."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from domain.clock import Clock
from domain.contributor import Contributor
from domain.known import Known
from domain.moment import instant
from domain.permission import OPERATOR
from domain.quota import VOUCHED
from domain.stated import BRINGS
from domain.stored import Placed, texts_of
from projections.progress import Progress
from projections.wording import several
from scripts.difference import Difference, Differences, all_pages, at, at_one_moment
from scripts.service import Service

NONE = "none, as where facts were replayed from a log"
_BETWEEN = "WHERE position >= :first AND position <= :last"


@at_one_moment
def requests(service: Service, progress: Progress) -> Differences:
    """Every fact has one remembered request that led to it, and matches what that asked for."""
    count, led = 0, list[Placed]()
    if _remembers_none(service):
        return NONE
    sql = f"SELECT position, target, id, texts FROM requests {_BETWEEN}"
    for page in all_pages(service, progress):
        span = {"first": page[0].position, "last": page[-1].position}
        asked = {position: row for position, *row in service.engine.query(sql, **span)}
        for placed in page:
            if led and _by_at(led[-1]) != _by_at(placed):
                yield _forgotten(led)
                led = []
            if placed.topic != Clock.Accepted.TOPIC:
                led.append(placed)
            if placed.position in asked:
                yield from _differing(service, led, *asked.pop(placed.position))
                count, led = count + 1, []
    if led:
        yield _forgotten(led)
    (kept,) = service.engine.query("SELECT count(*) FROM requests")[0]
    if kept != count:
        yield Difference("the requests", f"{kept - count} led to no fact")
    unled = "SELECT key FROM further_keys WHERE position NOT IN (SELECT position FROM requests)"
    for (key,) in service.engine.query(unled):
        yield Difference("the requests", f"the further key {key} is of none")
    return f"{several(count, 'request')}, which led to all facts"


def _forgotten(led: Sequence[Placed]) -> Difference:
    return at(led[-1].position, f"the request that led to this {led[-1].topic} is not remembered")


def _by_at(placed: Placed) -> tuple[str, str]:
    content = placed.content()
    return content["actor"], content["timestamp"]


def _differing(
    service: Service, led: Sequence[Placed], target: str, id: str, texts: str
) -> Iterator[Difference]:
    """The first reason, if any, why a request can't have led to these facts."""
    position = led[-1].position if led else 0
    if not (_is_of_one(led, target) or _is_forgetting(service, led, target)):
        yield at(position, f"it is no answer about {target} alone")
    elif not any(_is_about(one, id) for one in led):
        yield at(position, f"it is no answer with {id}")
    elif not all(
        any(_is_about(one, each) for one in led) for each in texts_of(position, texts) if each
    ):
        yield at(position, "it is no answer to a request with such texts")


def _is_of_one(led: Sequence[Placed], target: str) -> bool:
    """Whether one command about a target may have led to all of these facts.

    A command leads to exactly one fact of its first kind, which is about the target. Entries alone
    may also follow from something that no longer exists.
    """
    topics = {one.topic for one in led}
    for line in BRINGS.values():
        kinds = line.replace(">", "").split()
        if topics <= {*kinds}:
            first = _CREDITED if kinds[0] in _CREDITED else {kinds[0]}
            leading = [one for one in led if one.topic in first]
            if len(leading) == 1 and _is_about(leading[0], target):
                return True
    entries = all(topic.startswith("entry.") for topic in topics)
    return entries and any(_is_about(one, target) for one in led)


def _is_forgetting(service: Service, led: Sequence[Placed], target: str) -> bool:
    """Whether all are of forgetting one person: in each of their accounts, the target last.

    The texts of one account may take several facts.
    """
    if not led or {one.topic for one in led} != {Contributor.Forgotten.TOPIC}:
        return False
    known = Known(service.journal.facts, led[-1].position)
    persons = known.persons([one.originator_id for one in led])
    return led[-1].originator_id == target and len({*persons.values()}) == 1


_CREDITED = {"credit.claimed", "credit.granted"}


def _is_about(placed: Placed, target: str) -> bool:
    is_named = bool(target) and f'"{target}"'.encode() in placed.state
    return is_named or placed.originator_id == target


@at_one_moment
def quotas(service: Service, progress: Progress) -> Differences:
    """Every limited fact counts toward its actor's quota, unless the operator vouched for it."""
    count = 0
    if _remembers_none(service):
        return NONE
    vouched = sorted(_vouched(service))
    sql = f"SELECT position, actor, quota, at FROM spent {_BETWEEN} AND actor <> ''"
    for page in all_pages(service, progress):
        rows, span = defaultdict[int, list[Any]](list), (page[0].position, page[-1].position)
        for position, *row in service.engine.query(sql, first=span[0], last=span[1]):
            rows[position].append(tuple(row))
        for placed in page:
            happened, told = placed.fact(), rows[placed.position]
            while vouched and vouched[0][1] < placed.position:
                del vouched[0]
            is_free = bool(vouched) and vouched[0][0] <= placed.position
            must = [(happened.actor, happened.spends, instant(happened.timestamp))]
            if not happened.spends or happened.actor == OPERATOR:
                must, is_free = [], False
            if told != must and (told or not is_free):
                said = f"it counts toward {told or 'no quota'}, and should toward {must or 'none'}"
                yield at(placed.position, said)
            count += len(told)
    (kept,) = service.engine.query("SELECT count(*) FROM spent WHERE actor <> ''")[0]
    if kept != count:
        yield Difference("the quotas", f"{kept - count} of no fact")
    return f"{several(count, 'fact')}, each toward its own"


def _vouched(service: Service) -> Iterator[tuple[int, int]]:
    """The ranges of positions, both ends included, for which the operator vouched."""
    for quota, last in service.engine.query("SELECT quota, position FROM spent WHERE actor = ''"):
        count = quota.removeprefix(VOUCHED)
        if count.isdecimal():
            yield last - int(count) + 1, last


def _remembers_none(service: Service) -> bool:
    """Whether there are facts but no request, and the log is empty, as when facts were replayed."""
    (kept,) = service.engine.query("SELECT count(*) FROM requests")[0]
    return not kept and not service.log.size() and service.journal.facts.head() > 0
