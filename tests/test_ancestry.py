"""A lineage that is remembered is answered like one that is read, at every position.

Nothing that was erased or hidden since then comes back from memory.
"""

from collections.abc import Collection
from contextlib import suppress
from functools import partial
from random import Random
from typing import Any

import pytest
from money import bank
from stories import IDS, every_fact, story

from domain.readers import AGREEMENT
from domain.refusal import Refusal, UnknownWork
from projections import ancestry, graph, licences, lineage, listing, parts, pending
from projections.memory import Memory
from projections.money import splitting
from projections.money.readers import Reader
from projections.store import View


@pytest.fixture(autouse=True)
def everything_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """However small it is."""
    monkeypatch.setattr(ancestry, "SMALL", 0)


def answers(view: View, work: str) -> Any:
    """What is answered about a work by way of its lineage."""
    try:
        page = parts.of_work(view, work)  # which asks for no edges, as the next does
        shown = graph.page(view, work), listing.ancestors(view, work)
        licensed = licences.of(view, work)
        terms = licensed.answer(), licensed.by_terms(), lineage.has_unrated(view, licensed.root)
        held = splitting.lineage_at(view, lineage.find(view, work).number).lineage.held
        return page, shown, pending.behind(view, work), terms, by_title(view, work), held
    except UnknownWork:
        return None


def by_title(view: View, work: str) -> list[str | None]:
    """The titles of its ancestors, in pages, as they are in order; the same backwards."""
    asked, titles = (
        partial(listing.ancestors, view, work, sort="title", limit=2),
        list[str | None](),
    )
    after = None
    while not titles or after:
        items, after = asked(after=after)
        titles += [item["title"] for item in items] or [None]
    backwards = asked(reverse=True, limit=100).items
    assert [item["title"] for item in backwards] == titles[::-1] or titles == [None]
    assert listing.ancestors(view, work, sort="title", q="w").items == [
        item for item in reversed(backwards) if "w" in (item["title"] or "").lower()
    ]
    return titles


@pytest.mark.after(told=every_fact)
def test_a_remembered_lineage_answers_like_one_that_is_read(database: str) -> None:
    """Through a history with every kind of fact, forwards and backwards."""
    with story(database) as told:
        few = 1 if database.startswith("sqlite:") else 5
        positions = [*range(1, told.head() + 1, few), told.head()]
        with told.view() as latest:
            memory = Memory[object]()
            for position in (*positions, *positions[::-13]):
                warm, fresh = latest.at(position), latest.at(position)
                warm.memory, fresh.memory = memory, Memory()
                release = IDS["release"]
                assert answers(warm, release) == answers(fresh, release), position


def test_what_was_erased_or_hidden_does_not_come_back_from_memory(database: str) -> None:
    with story(database) as told:
        ana, ben, eva = (told.person(f"name-of-{one}") for one in ("ana", "ben", "eva"))
        first = told.piece("first", by=[ana, ben])
        last = told.piece("last", first, by=[eva])
        credit = told.credit(first, eva)
        head = told.head()

        def said(at: int | None) -> str:
            with told.view(at) as view:
                return str(answers(view, last))

        for at in (head, None):
            assert all(f"name-of-{one}" in said(at) for one in ("ana", "ben", "eva"))
        told.tell("forget_contributor", id=ana, ground="request")
        told.tell("rename_contributor", id=ben, name="Theo", former="erased")
        told.tell("hide_credit", id=credit, actor=eva)
        for at in (head, None):
            assert "name-of-ana" not in said(at)
            assert "name-of-ben" not in said(at)
            assert "Theo" in said(at)
            assert said(at).count("name-of-eva") == 2  # on the piece of her own, and as its maker
        told.tell("unhide_credit", id=credit, actor=eva)
        with told.view(head) as view:
            (item,) = (
                each for each in parts.of_work(view, last).items if each["contributor"]["id"] == eva
            )
        assert item["credit_count"] == 2


def test_after_a_change_only_what_it_is_about_is_read_again(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with story(database) as told:
        ana = told.person("ana")
        source, sample = (told.piece(name, by=[ana]) for name in ("source", "sample"))
        root = told.piece("root", told.piece("verse", source, by=[ana]), by=[ana])
        read: list[int] = []
        reads = ancestry._read_stated

        def counting(view: View, sql: str, works: Collection[int]) -> Any:
            read.append(len(reads(view, sql, works)))
            return reads(view, sql, works)

        monkeypatch.setattr(ancestry, "_read_stated", counting)

        def asked() -> list[int]:
            """How many edges were read by each query."""
            read.clear()
            with told.view() as view:
                parts.of_work(view, root)
            return [*read]

        assert asked() == [2]
        told.piece("remix of it", root, by=[ana])
        told.credit(told.piece("another"), ana)
        assert asked() == []
        told.credit(source, told.person("ben"))
        assert asked() == [0]
        late = told.edge(source, told.piece("older", sample, by=[ana]))
        assert asked() == [1, 1, 0]
        told.tell("strike_remix", id=late, reason="no")
        assert asked() == [0]
        monkeypatch.setattr(ancestry, "MOST_READ", 1)
        told.credit(source, told.person("cleo"))
        assert asked() == [2]


def test_however_a_lineage_changes_it_is_answered_like_one_that_is_read(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Late edges, struck edges, credits and licences anywhere in it, each asked about at once."""
    monkeypatch.setattr(ancestry, "STEPS", 1)
    random = Random(1)
    with story(database) as told:
        people = [told.person(f"p{number}") for number in range(3)]
        pieces = [told.piece(f"w{number}", by=[random.choice(people)]) for number in range(9)]
        edges, memory = list[str](), Memory[object]()
        for number in range(24):
            newer, older = sorted(random.sample(range(len(pieces)), 2), reverse=True)
            if number % 3 < 2 or not edges:
                kind = random.choice(("sample", "influence", "adaptation"))
                edges.append(told.edge(pieces[newer], pieces[older], kind))
            elif number % 2:
                edge = edges.pop(random.randrange(len(edges)))
                told.tell("strike_remix", id=edge, reason="no")
            else:
                told.credit(
                    pieces[older], random.choice(people), random.choice(("editor", "singer"))
                )
                with suppress(Refusal):  # those credited would have to agree to another one
                    licence = random.choice(("CC-BY-4.0", "CC-BY-NC-4.0"))
                    told.tell("describe_work", id=pieces[newer], reason="so", licence=licence)
                told.tell("describe_work", id=pieces[older], reason="so", title=f"w{number % 5}")
            with told.view() as warm, told.view() as fresh:
                warm.memory, fresh.memory = memory, Memory()
                for root in (pieces[-1], pieces[-2]):
                    assert answers(warm, root) == answers(fresh, root), number
                    titles = by_title(warm, root)
                    assert titles == sorted(titles, key=str), number


def test_who_asked_whether_they_may_read_leaves_a_lineage_to_change(database: str) -> None:
    """Whoever has a part in a release may read its pool, so that is asked of its lineage."""
    with bank(database) as told:
        ana, ben, eva = told.people("ana", "ben", "eva")
        first = told.piece("first", by=[ana])
        album = told.release("album", told.piece("last", first, by=[ben]))
        pool = told.pool(release=album)

        def asked() -> tuple[int, bool]:
            """How many contributed, and whether Eva may read how the pool is shared."""
            with told.view() as view:
                count = len(parts.of_work(view, album).items)
                return count, Reader(view, told.journal, eva).may(AGREEMENT, pool)

        assert asked() == (2, False)
        told.credit(first, eva)
        assert asked() == (3, True)


def test_memory_gives_way_to_what_was_asked_for_later() -> None:
    memory = Memory[str](room=10)
    memory.keep("a", "first", 4)
    memory.keep("b", "second", 4)
    assert memory.get("a") == "first"
    memory.keep("c", "third", 4)
    assert (memory.get("a"), memory.get("b"), memory.get("c")) == ("first", None, "third")
    memory.keep("a", "larger", 11)
    assert memory.get("a") is None
    memory.keep("d", "fourth", 6)
    assert (memory.get("c"), memory.get("d")) == ("third", "fourth")
