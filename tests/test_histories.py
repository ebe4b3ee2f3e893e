"""Whatever is told, in whatever order: random histories keep the laws of the journal.

Each is a list of commands as clients might send them, half of which make no sense and are refused.
"""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from databases import Postgres
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stories import OPERATOR, Story, cycle_in, id_of, read_tables, story, ticking

from domain.chain import Chains
from domain.dispute import OUTCOMES
from domain.draft import Acknowledgement
from domain.identity import part_id
from domain.outside import outside_id
from domain.receipt import read_leaf
from domain.refusal import Refusal
from domain.tree import leaf_hash
from projections import around, attribution, contributors, history, lineage, listing, notices, parts
from projections.pages import Page
from projections.rebuilding import Rebuild
from projections.store import View
from scripts.bundle import FoundLine, export_lines, import_lines

few = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
fewer = settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])

# -- random commands -----------------------------------------------------------------------

PEOPLE = [id_of(f"person {number}") for number in range(4)]
WORKS = [id_of(f"work {number}") for number in range(8)]
NEW_WORKS = WORKS[4:]
URIS = ["https://example.org/a", "urn:b"]
OUTSIDE = [outside_id(uri) for uri in URIS]
NEW_CREDITS = [id_of(f"credit {number}") for number in range(3)]
CREDITS = [*(part_id(work, "author", 0) for work in WORKS[:3]), *NEW_CREDITS]
NEW_REMIXES = [id_of(f"remix {number}") for number in range(4)]
REMIXES = [part_id(work, "source", 0) for work in WORKS[:3]]
REMIXES += [part_id(WORKS[3], "component", 0), *NEW_REMIXES]

JOINS = [id_of("join"), id_of("another join")]

Command = tuple[str, dict[str, Any]]

any_person = st.sampled_from(PEOPLE)
there = st.sampled_from([*WORKS[:4], OUTSIDE[0]])
any_work = st.one_of(*[there] * 2, st.sampled_from([*NEW_WORKS, OUTSIDE[1]]))
any_release = st.sampled_from(WORKS[3:])
actors = st.sampled_from([OPERATOR] * 8 + PEOPLE)
dates = st.sampled_from([None, "1970", "1979", "1980-05", "1982", "1990-01-01T00:00Z", "2999"])
some_texts = st.sampled_from(["one", "ZWEI", "trois é", "100 %_"])
roles = st.sampled_from(["writer", "Voice_Actor", "editor"])
remix_kinds = st.sampled_from(["sample", "adaptation", "influence", "component"])
rates = st.sampled_from([None, "1/5", "0.2"])


def command(name: str, **said: st.SearchStrategy[Any]) -> st.SearchStrategy[Command]:
    return st.tuples(st.just(name), st.fixed_dictionaries({"actor": actors, **said}))


authors = st.fixed_dictionaries({"contributor": any_person, "role": roles})
sources = st.fixed_dictionaries({"kind": remix_kinds, "rate": rates, "work": any_work})
outside_sources = st.fixed_dictionaries({"kind": remix_kinds, "uri": st.sampled_from(URIS)})
pieces = command(
    "submit_contribution",
    id=st.sampled_from(NEW_WORKS),
    title=some_texts,
    medium=st.sampled_from(["text", "audio"]),
    authors=st.lists(authors, max_size=3),
    sources=st.lists(sources | outside_sources, max_size=3),
    made_at=dates,
)
components = st.fixed_dictionaries({"work": any_work, "rate": rates})
releases = command(
    "assemble_release",
    id=st.sampled_from(NEW_WORKS),
    title=some_texts,
    components=st.lists(components, min_size=1, max_size=3),
)
edges = command(
    "declare_remix",
    id=st.sampled_from(NEW_REMIXES),
    child=st.sampled_from(WORKS[:4]),
    parent=there,
    kind=remix_kinds,
    evidence=st.none() | some_texts,
)
credits = command(
    "open_credit",
    id=st.sampled_from(NEW_CREDITS),
    work=any_work,
    contributor=any_person,
    role=roles,
    kind=st.sampled_from(["direct", "influence"]),
    display=st.none() | some_texts,
)
births = st.one_of(pieces, pieces, releases, edges, credits)
verbs = st.one_of(
    *(
        command(f"{verb}_credit", id=st.sampled_from(CREDITS), reason=st.none() | some_texts)
        for verb in ("accept", "decline", "revoke")
    ),
    *(
        command(name, id=st.sampled_from(CREDITS), reason=some_texts)
        for name in ("hold_credit", "lift_hold")
    ),
    command("strike_remix", id=st.sampled_from(REMIXES), reason=some_texts),
    command("replace_remix", id=st.sampled_from(REMIXES), work=any_work, reason=some_texts),
    *(
        command(f"{verb}_{noun}", id=st.sampled_from(ids), reason=some_texts, **more)
        for noun, ids in (("credit", CREDITS), ("remix", REMIXES))
        for verb, more in (
            ("dispute", {"grounds": st.sampled_from(["other", "false_date"])}),
            ("answer", {}),
            ("settle", {"outcome": st.sampled_from(list(OUTCOMES))}),
        )
    ),
    command("redate_work", id=any_work, made_at=dates.filter(bool), reason=some_texts),
    command("redate_work", id=any_work, made_at=dates.filter(bool), reason=some_texts),
    command("join_works", id=st.sampled_from(JOINS), work=any_work, into=any_work),
    command("undo_join", id=st.sampled_from(JOINS), reason=some_texts),
    command("merge_contributor", id=any_person, into=any_person),
    command("separate_contributor", id=any_person, reason=some_texts),
    command("forget_contributor", id=any_person, ground=st.just("request")),
    command("withdraw_contribution", id=st.sampled_from(WORKS[:3]), reason=some_texts),
    command("publish_release", id=any_release),
    command("withdraw_release", id=any_release, reason=some_texts),
)
# Each kind is as likely as any other, and there are more of verbs.
histories = st.lists(st.one_of(*[births] * 4, verbs), min_size=10, max_size=40)

BEFORE: list[Command] = [
    *(("admit_contributor", {"id": id, "name": f"Person {n}"}) for n, id in enumerate(PEOPLE)),
    *(
        (
            "submit_contribution",
            {
                "id": WORKS[number],
                "title": "one",
                "medium": "text",
                "authors": [{"contributor": PEOPLE[number], "role": "writer"}],
                "sources": [
                    *({"work": WORKS[older], "kind": "sample"} for older in range(number)),
                    {"uri": URIS[0], "kind": "influence"},
                ],
                "made_at": str(1975 + 5 * number),
                "actor": PEOPLE[number] if number else OPERATOR,
            },
        )
        for number in range(3)
    ),
    (
        "assemble_release",
        {"id": WORKS[3], "title": "R", "components": [{"work": WORKS[1]}, {"work": WORKS[2]}]},
    ),
]
"""Without a few people and works, almost everything random would be refused."""

Told = list[tuple[Command, Acknowledgement | str]]


def play(told: Story, commands: list[Command], every: Callable[[], Any] = lambda: None) -> Told:
    """Carry the commands out; what each answered, or the code of its refusal."""
    done: Told = [(one, told.tell(one[0], **one[1])) for one in BEFORE]
    for name, said in commands:
        try:
            done.append(((name, said), told.tell(name, **said)))
        except Refusal as refusal:
            done.append(((name, said), refusal.code))
        every()
    return done


@contextmanager
def embedded() -> Iterator[Story]:
    with (
        tempfile.TemporaryDirectory() as folder,
        story(f"sqlite:///{Path(folder) / 'stemma.db'}", clock=ticking()) as told,
    ):
        yield told


# -- every answer there is -----------------------------------------------------------------


def answered(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except Refusal as refusal:
        return refusal.code


def walked(ask: Callable[[str | None], Page]) -> list[Any]:
    """A whole list, two at a time."""
    page = ask(None)
    items = list(page.items)
    while page.next is not None:
        page = ask(page.next)
        items += page.items
    return items


def unsalted(page: Page) -> Page:
    """A history without the commitments themselves, which are other ones each time."""
    for one in page.items:
        if "erased" in one["content"]:
            one["content"]["erased"] = len(one["content"]["erased"].split())
    return page


def every_answer(told: Story, view: View) -> dict[str, Any]:
    """What every read function says about everything that may exist."""
    journal = told.journal
    lists: dict[str, Callable[[str | None], Page]] = {
        "works": lambda c: listing.works(view, after=c, limit=2),
        "one": lambda c: listing.works(view, q="E", kind="contribution", after=c, limit=2),
        "unused": lambda c: listing.works(view, never_remixed=True, after=c, limit=2),
        "edited": lambda c: listing.works(view, role="editor", medium="text", after=c, limit=2),
        "people": lambda c: contributors.people(view, q="person", after=c, limit=2),
    }
    by_work: dict[str, Callable[[str, str | None], Page]] = {
        "ancestors": lambda id, c: listing.ancestors(view, id, after=c, limit=2),
        "descendants": lambda id, c: listing.descendants(view, id, after=c, limit=2),
        "contributors": lambda id, c: parts.of_work(view, id, after=c, limit=2),
        "history": lambda id, c: unsalted(
            history.of_work(view, journal, id, actor="operator", after=c, limit=2)
        ),
    }
    by_person: dict[str, Callable[[str, str | None], Page]] = {
        "attribution": lambda id, c: parts.in_releases(view, id, after=c, limit=2),
        "history": lambda id, c: unsalted(
            history.of_contributor(view, journal, id, actor="operator", after=c, limit=2)
        ),
        "notices": lambda id, c: unsalted(
            notices.of_contributor(view, journal, id, actor=id, after=c, limit=2)
        ),
    }
    one: list[tuple[Callable[[View, str], Any], list[str]]] = [
        (around.work, WORKS + OUTSIDE),
        (lineage.lineage, WORKS + OUTSIDE),
        (attribution.all_credits, WORKS + OUTSIDE),
        (around.remix, REMIXES),
        (contributors.person, PEOPLE),
        (attribution.credit, CREDITS),
    ]
    answers: dict[str, Any] = {name: walked(ask) for name, ask in lists.items()}
    for kind, asks, ids in (("work", by_work, WORKS + OUTSIDE), ("person", by_person, PEOPLE)):
        for name, ask in asks.items():
            for id in ids:
                answers[f"{name} of {kind} {id}"] = answered(
                    lambda ask=ask, id=id: walked(lambda c: ask(id, c))
                )
    for read, ids in one:
        for id in ids:
            answers[f"{read.__name__} {id}"] = answered(lambda read=read, id=id: read(view, id))
    return answers


# -- the laws ------------------------------------------------------------------------------


@few
@given(histories)
def test_the_graph_has_no_cycle(commands: list[Command]) -> None:
    with embedded() as told:
        play(told, commands)
        assert cycle_in(told) == []


@few
@given(histories, st.integers(1, 9))
def test_a_rebuild_equals_what_was_folded_fact_by_fact(commands: list[Command], page: int) -> None:
    with embedded() as told:
        play(told, commands, every=told.service.follower.catch_up)
        told.service.follower.catch_up()
        live = read_tables(told)
        Rebuild(told.journal, told.store, page=page).run()
        assert read_tables(told) == live


@few
@given(histories)
def test_a_repeated_birth_changes_nothing(commands: list[Command]) -> None:
    """Whatever became of it and of its people since."""
    with embedded() as told:
        done = play(told, commands)
        head = told.head()
        for (name, said), answer in done:
            if isinstance(answer, Acknowledgement) and name.split("_")[0] in NAMING:
                assert told.tell(name, **said) == answer._replace(warnings=())
        assert told.head() == head


NAMING = ("admit", "submit", "assemble", "declare", "open")


@few
@given(histories, st.data())
def test_as_of_a_position_answers_as_a_journal_cut_there(
    commands: list[Command], data: st.DataObject
) -> None:
    with embedded() as told:
        play(told, commands)
        cut_at = data.draw(st.integers(0, told.head()))
        with embedded() as cut, told.view(as_of=cut_at) as then:
            copy(told, cut_at, cut)
            with cut.view() as now:
                assert every_answer(told, then) == every_answer(cut, now)


def copy(told: Story, upto: int, other: Story) -> None:
    """The facts up to a position with the texts behind them, by an export and an import."""
    lines = [line for line in export_lines(told.journal) if line["position"] <= upto]
    found = (FoundLine(f"line {number}", line) for number, line in enumerate(lines, start=1))
    assert import_lines(other.journal, found).refused == []


def chained(told: Story) -> list[bytes]:
    """The leaves, once every chain was followed from its first fact to its head."""
    chains, leaves = Chains(), [placed.leaf() for placed in told.facts()]
    for leaf in leaves:
        chains.follow(read_leaf(leaf), leaf_hash(leaf))
    counted = Counter(s for placed in told.facts() for s in set(placed.fact().subjects()))
    assert counted == {subject: head.number for subject, head in chains.heads.items()}
    heads = told.journal.engine.query("SELECT subject, number, position, hash FROM heads")
    assert chains.heads == {subject: tuple(head) for subject, *head in heads}
    return leaves


@fewer
@given(histories)
def test_sqlite_and_postgres_answer_alike(
    postgres_server: Postgres, commands: list[Command]
) -> None:
    with (
        embedded() as one,
        postgres_server.database() as url,
        story(url, clock=ticking()) as other,
    ):
        assert play(one, commands) == play(other, commands)
        middle = one.head() // 2
        for as_of in (middle, None):
            with one.view(as_of) as here, other.view(as_of) as there:
                assert every_answer(one, here) == every_answer(other, there)
        # On either engine, and on whatever an export is put back, the chains are whole.
        with embedded() as back:
            copy(other, other.head(), back)
            assert chained(back) == chained(other)
        assert len(chained(one)) == one.head()


@few
@given(histories)
def test_nothing_but_a_fact_changes_an_answer(commands: list[Command]) -> None:
    """What was refused has left no trace: without it, the history is the same."""
    with embedded() as told, embedded() as quiet:
        done = play(told, commands)
        acknowledged = [one for one, answer in done if isinstance(answer, Acknowledgement)]
        play(quiet, acknowledged[len(BEFORE) :])
        assert told.topics() == quiet.topics()
        assert {one.originator_id for one in told.facts()} == {
            one.originator_id for one in quiet.facts()
        }
