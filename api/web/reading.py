"""Pages about works and people: releases, pieces, outside sources, persons and histories.

They show what the API answers at one position of the journal, and change nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import groupby
from operator import itemgetter
from typing import Any

from flask import Response, g, render_template

from api.proofs import seen_by
from api.web import atom, talking, words
from api.web.address import Listed, PageQuery, part
from api.web.drawing import drawn_history, drawn_inline, drawn_onward, taken_by
from api.web.embedding import seen
from api.web.finding import cards, told
from api.web.frame import Answer, Frame, account, led_on, reader, to_save
from api.web.offering import forms_for, is_open
from domain.command import Command
from domain.commands.correcting import DescribeWork
from domain.commands.identifying import StateIdentifier
from domain.commands.joining import JoinWorks
from domain.commands.naming import RenameContributor
from domain.commands.releasing import PublishRelease
from domain.money.proposing import OpenPool
from domain.permission import OPERATOR
from domain.refusal import NotPermitted
from domain.remix import REMIX_KINDS
from projections import (
    around,
    attribution,
    challenges,
    claims,
    contributors,
    hidden,
    identifiers,
    likely,
    lineage,
    listing,
    memberships,
    parts,
    pending,
    people,
    projects,
    series,
    timeline,
)
from projections.ancestry import ancestry
from projections.licences import Licensed
from projections.lineage import WorkRow
from projections.log import Log
from projections.money import pools
from projections.money.pools.told import PoolItem
from projections.money.readers import ANONYMOUS, Reader
from projections.pages import Page
from projections.roll import Roll, roll
from projections.store import View
from projections.told import FactTold, GroupDivisionTold, Person, PersonRef
from projections.told_finding import LikelySource

Named = tuple[str, str, dict[str, Any]]
"""A line of a credits roll: the heading, the role, and the person."""

FEW_FACTS = 7
"""How many facts of its history a page shows."""
MANY = 50
MOST_SPLITS, MOST_PAYEES = 5, 24
"""How many splits a release shows, and how many payees the table of each."""
REMIXES = 20
"""How many works made from a piece its page lists below their picture."""
LIKELY = 6
"""How many likely sources the page of a piece shows to its poster."""
MOST_PARTS = 24
"""How many of its parts the page of a series shows."""
MOST_NAMES = 450
"""How many names of a credits roll a page shows."""
ROOM_BYTES, LEAST_ROOM_BYTES = 58_000, 7_000
NAME_BYTES, OPEN_BYTES, PART_BYTES = 95, 125, 250
"""The room for pictures on the page of a release, at most and at least; and about how much of it a
name, a name that has not accepted its credit yet, and a part take."""
ROOM_OF_A_PIECE_BYTES = 20_000


def pages(frame: Frame, log: Log) -> None:
    """The pages about works and people."""
    _releases(frame)
    _pieces(frame)
    _people(frame)
    _histories(frame)

    @frame.page("/receipts/<int:position>")
    def give_receipt(position: int) -> Answer:
        receipt = log.receipt(position, seen_by(frame.store, log, reader()))
        answer = Response(receipt, content_type="text/plain; charset=utf-8")
        return to_save(answer, f"stemma-fact-{position}.receipt")


def _releases(frame: Frame) -> None:
    @frame.viewed("/release/<id>", Listed, is_release=True)
    def show_release(view: View, said: PageQuery, id: str) -> Answer:
        row = lineage.find(view, id)
        if row.kind != "release":
            return led_on(f"/piece/{id}")
        found = roll(view, id)
        facts = _latest(view, frame, found.lineage.numbers)
        earning = pools.pools(view, frame.journal, id, actor=reader()).items
        names = part(_names(found), "credits", MOST_NAMES)
        taken = sum(OPEN_BYTES if one["open"] else NAME_BYTES for *_, one in names.items)
        taken += sum(_room_behind(found.behind.get(one["id"], ())) for *_, one in names.items)
        parts = series.parts(view, id, after=said.at.of("parts"), limit=MOST_PARTS)
        shared = _shared(frame, view, said, row, id, facts)
        taken += sum(map(_room_of, [*parts.items, *shared["wholes"]]))
        room = max(LEAST_ROOM_BYTES, ROOM_BYTES - taken)
        picture = drawn_inline(view, row, room)
        return render_template(
            "release.html",
            **shared,
            may_open_pool=is_open(frame, OpenPool, id),
            parts=parts,
            roll=found,
            names=list(_by_role(names.items)),
            more_names=names.next,
            picture=picture,
            onward=drawn_onward(view, id, room - taken_by(picture)),
            pools=earning,
            divided=list(_divided(view, earning[:MOST_SPLITS])),
        )


def _pieces(frame: Frame) -> None:
    @frame.viewed("/piece/<id>", Listed)
    def show_work(view: View, said: PageQuery, id: str) -> Answer:
        row = lineage.find(view, id)
        if row.kind == "release":
            return led_on(f"/release/{id}")
        facts = _latest(view, frame, [row.number])
        return render_template(
            "piece.html",
            **_shared(frame, view, said, row, id, facts),
            picture=drawn_inline(view, row, ROOM_OF_A_PIECE_BYTES),
            onward=drawn_onward(view, id, ROOM_OF_A_PIECE_BYTES),
            poster=None if row.poster == OPERATOR else contributors.person(view, row.poster),
            place=projects.of_work(view, row.number),
            answers=challenges.of_work(view, row.number),
            likely=_likely(view, row),
            kinds=REMIX_KINDS,
            behind=len(ancestry(view, row.number).tree.generation) - 1,
            remixes=listing.descendants(view, id, after=said.at.of("remixes"), limit=REMIXES),
        )

    @frame.viewed("/list/<id>", Listed, is_release=True)
    def list_lineage(view: View, said: PageQuery, id: str) -> Answer:
        found = listing.ancestors(view, id, after=said.at.cursor, limit=MANY * 2)
        return render_template(
            "list.html",
            work=around.work(view, id),
            works=cards(view, found.items),
            next=found.next,
        )


def _shared(
    frame: Frame, view: View, said: PageQuery, row: WorkRow, id: str, facts: Sequence[FactTold]
) -> dict[str, Any]:
    """What the page of a release and that of a piece both show; ``facts`` are the latest."""
    work = around.work(view, id)
    return {
        "work": work,
        "seen": seen(work["media_url"], frame.media_hosts),
        "wholes": series.wholes(view, row.number),
        "identifiers": identifiers.of(view, row.number),
        "credits": attribution.standing_on(view, row.number),
        "claims": claims.on_work(view, id),
        "waiting": pending.behind(view, id),
        "licensed": Licensed(view, row.number),
        "facts": told(view, facts[:FEW_FACTS]),
        "has_more_facts": len(facts) > FEW_FACTS,
        "forms": _forms(frame, row),
        **talking.about(view, "work", id, said.at),
    }


ON_OWN_PAGES = (PublishRelease, OpenPool)
"""The commands about a release that have pages, to which its page links."""


def _forms(frame: Frame, row: WorkRow) -> list[type[Command]]:
    """The commands by which the reader may correct or take back something about a work."""
    found = [one for one in forms_for(frame, row.id, "work", row.kind) if one not in ON_OWN_PAGES]
    # Whoever may describe a work may also join it with another and state its numbers.
    return [*found, JoinWorks, StateIdentifier] if DescribeWork in found else found


def _forms_about(frame: Frame, person: Person) -> list[type[Command]]:
    """The commands about an account that are open to the reader; none about one forgotten."""
    found = forms_for(frame, person["id"], "contributor") if person["name"] else []
    return [*found, StateIdentifier] if RenameContributor in found else found


def _likely(view: View, row: lineage.WorkRow) -> list[LikelySource]:
    """The likely sources of a piece, shown only to its poster."""
    if g.actor is None or row.poster not in projects.ids_of(view, g.actor):
        return []
    return likely.likely_sources(view, row.id, limit=LIKELY).items


def _room_of(one: series.PartOfWhole | series.Whole) -> int:
    """About how many bytes the line of a part or a whole takes."""
    return PART_BYTES + len((one["work"]["title"] or "").encode())


def _room_behind(people: Sequence[PersonRef]) -> int:
    """About how many bytes the list of the people in a group takes."""
    return OPEN_BYTES + NAME_BYTES * min(len(people), 12) if people else 0


def _names(found: Roll) -> list[Named]:
    """The lines of a credits roll."""
    return [
        (heading, role["role"], one)
        for heading, roles in (("", found.direct), ("Influences", found.influence))
        for role in roles
        for one in role["people"]
    ]


def _by_role(
    names: Sequence[Named],
) -> Iterator[tuple[str, list[tuple[str, list[dict[str, Any]]]]]]:
    """Lines of a credits roll, grouped by heading and role."""
    for heading, below in groupby(names, itemgetter(0)):
        yield (
            heading,
            [(role, [one for *_, one in same]) for role, same in groupby(below, itemgetter(1))],
        )


def _divided(view: View, earning: Iterable[PoolItem]) -> Iterator[dict[str, Any]]:
    """The pools that have divided something, with who earned most, and what the reader did."""
    reads = account(view)
    own = contributors.account_ids(view, reads) if reads else []
    for pool in earning:
        # Whoever may read what a pool received may read who earned it.
        earned = {} if pool["received_minor"] is None else pools.earned(view, pool["id"])
        if not earned:
            continue
        most = sorted(earned, key=lambda payee: (-earned[payee], payee))[:MOST_PAYEES]
        told, whole = pools.payees_told(view, most), sum(earned.values())
        lines = [
            {
                "payee": told[payee],
                "amount_minor": earned[payee],
                "share": str(Fraction(earned[payee], whole)),
            }
            for payee in most
        ]
        others, of_reader = len(earned) - len(lines), sum(earned.get(one, 0) for one in own)
        yield {**pool, "lines": lines, "others": others, "own_minor": of_reader}


def _people(frame: Frame) -> None:
    @frame.viewed("/contributor/<id>", Listed)
    def show_person(view: View, said: PageQuery, id: str) -> Answer:
        if id in hidden.positions(view):
            return led_on(f"/credit/{id}")  # a hidden credit stands for its person
        found = contributors.person(view, id)
        return render_template(
            "person.html",
            person=found,
            into=_merged_into(view, id),
            follow=talking.followed(view, "contributor", id),
            members=memberships.members(view, id).items,
            groups=memberships.groups_of(view, id).items,
            division=_division(view, frame, id),
            roles=[one["role"] for one in found["did"]],
            finished=_finished(view, id, said.at.of("finished")),
            made=people.made_by(view, id, after=said.at.of("made"), limit=MANY),
            forms=_forms_about(frame, found),
        )


def _finished(view: View, id: str, cursor: str | None) -> Page[dict[str, Any]]:
    """The releases that somebody contributed to, each with its card."""
    found = parts.in_releases(view, id, after=cursor, limit=MANY // 2)
    shown = cards(view, [one["release"] for one in found.items])
    items = [{**one, "card": card} for one, card in zip(found.items, shown, strict=True)]
    return Page(items, found.next)


def _division(view: View, frame: Frame, id: str) -> GroupDivisionTold | None:
    """How a group divides its shares; None for a reader who may not see it."""
    try:
        return memberships.division(view, frame.journal, id, actor=reader())
    except NotPermitted:
        return None


def _merged_into(view: View, id: str) -> PersonRef | None:
    number = contributors.find_person(view, id)[0]
    into = contributors.after_merges(view, number)
    return None if into == number else contributors.persons(view, [into])[into]


def _histories(frame: Frame) -> None:
    @frame.page("/history/<id>/atom")
    def show_atom(id: str) -> Answer:
        with frame.view({}) as view:
            subject = timeline.names(view, [id]).get(id)
            numbers, _ = _subjects(view, id, subject)
            anybody = Reader(view, frame.journal, ANONYMOUS)
            latest = timeline.latest(view, anybody, numbers, topics=words.TOLD, limit=atom.MOST)
            assert subject is not None
            return atom.feed_of(subject, told(view, latest))

    @frame.viewed("/history/<id>", Listed, is_release=True)
    def show_history(view: View, said: PageQuery, id: str) -> Answer:
        subject = timeline.names(view, [id]).get(id)
        numbers, since = _subjects(view, id, subject)
        facts = timeline.timeline(
            view,
            Reader(view, frame.journal, reader()),
            numbers,
            topics=words.topics(said.at.what),
            after=said.at.cursor,
            limit=MANY,
        )
        sentences = told(view, facts.items)
        return render_template(
            "history.html",
            subject=subject,
            facts=sentences,
            picture=drawn_history(sentences),
            next=facts.next,
            what=said.at.what,
            is_whole=len(numbers) > 1,
            since=since,
        )


def _latest(view: View, frame: Frame, subjects: Sequence[int]) -> list[FactTold]:
    """The latest ``FEW_FACTS`` facts, and one more if there are more."""
    seen = Reader(view, frame.journal, reader())
    return timeline.latest(view, seen, subjects, topics=words.TOLD, limit=FEW_FACTS + 1)


def _subjects(view: View, id: str, subject: dict[str, Any] | None) -> tuple[list[int], int]:
    """The numbers of what a history is about, and the position since which it exists.

    For a release, that includes everything in it; otherwise it is the subject alone.
    """
    match (subject or {}).get("kind"):
        case "project":
            project = projects.find(view, id)
            return [project.number], project.born
        case "challenge":
            challenge = challenges.find(view, id)
            return [challenge.number], challenge.born
    if subject is not None and "kind" not in subject:
        number, *_, born = contributors.find_person(view, id)
        return [number], born
    row = lineage.find(view, id)
    if row.kind == "release":
        return list(ancestry(view, row.number).tree.generation), row.born
    return [row.number], row.born
