"""Full-text search: by words, ranked by a rule that both engines give alike."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random
from shutil import copyfile
from typing import Any

import pytest
from commanding import Stemma
from serving import serving
from stories import Story, id_of, story
from test_challenges import issued
from test_projects import launched

from domain.engine.documents import Tsvector
from domain.engine.sqlite import SQLiteEngine
from domain.words import phrases_of, words_of
from projections import documents, searching
from projections.meant import COMPARED, meant
from projections.progress import no_progress
from projections.rebuilding import Rebuild
from projections.store import table_name
from scripts.audit import read_tables
from scripts.difference import all_differences


@pytest.fixture
def told(database: str) -> Iterator[Story]:
    with story(database) as one:
        yield one


def found(told: Story, q: str, **asked: Any) -> list[str | None]:
    """The names that a search finds, in order."""
    return [one["name"] for one in hits(told, q, **asked)]


def hits(told: Story, q: str, **asked: Any) -> list[Any]:
    with told.view() as view:
        return searching.search(view, q=q, **asked).items


def community(told: Story) -> None:
    """Works, people, a project and challenges about a tide."""
    ana, ben = told.person("Ana Souza"), told.person("Benoît")
    told.piece("Low Tide at Dawn", by=[ana])
    told.piece("Tide", by=[ben], role="cellist", medium="audio")
    told.piece("The low and the tide", by=[ben])
    told.piece("low tide", by=[ben])
    told.piece("Harbour", by=[ana])
    told.release("Tidal", id_of("Harbour"))
    launched(told, ana, name="Tide Tables", goal="A film about the harbour.")
    issued(told, ben, "Draw the keeper", prompt="Low tide, seen from above.", roles=["illustrator"])


def test_whole_names_come_first_then_beginnings_then_names_then_the_rest(told: Story) -> None:
    community(told)
    ranked = [(one["name"], one["match"]) for one in hits(told, "LOW tide")]
    assert ranked == [
        ("low tide", "whole"),
        ("Low Tide at Dawn", "begins"),
        ("The low and the tide", "name"),
        ("Draw the keeper", "elsewhere"),
    ]


def test_what_little_is_found_is_ranked_as_much_would_be(
    told: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    community(told)
    ana = told.person("Dawn Low")
    for title in ("the low tide", "The low tide of dawn", "Dawn and the low tide", "Of the low"):
        told.piece(title, by=[ana])
    asked = ("the low tide", "the low ti", "low tide at dawn", "tide low the ", "the tide daw")

    def answers() -> list[Any]:
        with told.view() as view:
            first = [searching.search(view, q=q, limit=1) for q in asked]
            both = zip(asked, first, strict=True)
            more = [searching.search(view, q=q, after=one.next) for q, one in both if one.next]
            return [*first, *more]

    few = answers()
    monkeypatch.setattr(searching, "FEW", 0)
    assert answers() == few
    assert [one["name"] for one in few[0].items] == ["the low tide"]


def test_the_last_word_may_be_a_beginning(told: Story) -> None:
    community(told)
    assert found(told, "ti") == [
        *("Tide Tables", "Tidal", "Tide", "low tide", "The low and the tide"),
        *("Low Tide at Dawn", "Draw the keeper"),
    ]
    assert found(told, "ti ") == []
    assert found(told, "tid low") == [], "only the last word is cut off"


def test_a_name_begins_with_what_was_typed_however_long_it_is(told: Story) -> None:
    long = f"Low tide {'and more of it ' * 30}"
    for title in ("Low tide", "Low tides", f"{long}today", f"{long}tomorrow", "At low tide"):
        told.piece(title)
    begins = [one["name"][:9] for one in hits(told, "low tide") if one["match"] == "begins"]
    assert begins == ["Low tide ", "Low tide ", "Low tides"]
    ranked = [one["match"] for one in hits(told, "low tide ")]
    assert ranked == ["whole", "begins", "begins", "name"], "the last word is no beginning"
    (whole,) = hits(told, f"{long}tomorrow"[:200])[:1]
    assert whole["match"] == "begins"


def test_people_are_found_and_their_works_by_words_of_both(told: Story) -> None:
    community(told)
    assert found(told, "benoit")[0] == "Benoît"
    (one,) = hits(told, "ana tide d", kind="contribution")
    assert (one["name"], one["match"], one["found_in"]) == (
        *("Low Tide at Dawn", "elsewhere"),
        ["name", "person"],
    )
    assert set(found(told, "souza")) >= {"Ana Souza", "Harbour", "Tide Tables"}
    assert found(told, "cellist") == ["Tide", "Benoît"]
    assert found(told, "illustrator", kind="challenge") == ["Draw the keeper"]
    assert found(told, "harbour", kind="project") == ["Tide Tables"]


def test_a_word_that_is_also_a_name_is_found_in_a_person_only_where_that_person_is(
    told: Story,
) -> None:
    told.piece("Low Tide", by=[told.person("Ana")])
    told.piece("Harbour", by=[told.person("Tide Weber")])
    found_in = {one["name"]: one["found_in"] for one in hits(told, "tide")}
    assert found_in == {"Low Tide": ["name"], "Harbour": ["person"], "Tide Weber": ["name"]}


@pytest.mark.parametrize("frequent", [2, 64])
def test_a_kind_with_more_than_are_counted_hides_no_other_kind(
    frequent: int, told: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "FREQUENT", frequent)
    monkeypatch.setattr(searching, "MOST_COUNTED", 3)
    community(told)
    with told.view() as view:
        kinds = searching.counts(view, q="tid")["kinds"]
    assert {one["kind"]: (one["count"], one["is_exact"]) for one in kinds} == {
        "contribution": (3, False),
        **dict.fromkeys(("release", "project", "challenge"), (1, True)),
    }


def test_facets_count_each_kind(told: Story) -> None:
    community(told)
    with told.view() as view:
        kinds = {one["kind"]: one["count"] for one in searching.counts(view, q="tid")["kinds"]}
    assert kinds == {"contribution": 4, "release": 1, "project": 1, "challenge": 1}
    for kind, count in kinds.items():
        assert len(hits(told, "tid", kind=kind)) == count


def test_pages_go_on_where_the_one_before_ended(told: Story) -> None:
    community(told)
    with told.view() as view:
        every, after, walked = searching.search(view, q="t").items, None, list[Any]()
        for _ in range(50):
            page = searching.search(view, q="t", after=after, limit=1)
            walked += page.items
            if (after := page.next) is None:
                break
    assert walked == every
    assert len(every) > 4


def test_a_private_credit_tells_nothing_and_a_shown_one_does(told: Story) -> None:
    ana = told.person("Ana")
    work = told.piece("Song")
    credit = told.credit(work, ana, role="singer", credited_as="Velvet")
    assert found(told, "velvet") == ["Song", "Ana"]
    told.tell("hide_credit", id=credit, actor=ana)
    assert found(told, "velvet") == []
    assert found(told, "ana") == ["Ana"]
    assert found(told, "singer") == ["Song"], "a role without a person"
    told.tell("unhide_credit", id=credit, actor=ana)
    assert found(told, "velvet ana") == ["Song", "Ana"]


def test_a_name_that_changed_is_found_and_the_former_is_not(told: Story) -> None:
    ana = told.person("Ana")
    told.piece("Song", by=[ana])
    told.tell("rename_contributor", id=ana, name="Zoë", former="erased", actor=ana)
    assert found(told, "ana") == []
    assert found(told, "zoe song") == ["Song"]


def test_of_a_forgotten_person_nothing_is_found(told: Story) -> None:
    ana, ben = told.person("Ana"), told.person("Ben")
    told.piece("Quicksilver", by=[ben], actor=ana)
    song = told.piece("Song", by=[ben])
    told.credit(song, ana, credited_as="Velvet")
    launched(told, ana, name="Lighthouse", goal="A lamp.")
    issued(told, ana, "Draw", prompt="A keeper.")
    for word in ("quicksilver", "velvet", "lighthouse", "lamp", "draw", "keeper", "ana"):
        assert found(told, word), word
    told.tell("forget_contributor", id=ana, ground="request")
    for word in ("quicksilver", "velvet", "lighthouse", "lamp", "draw", "keeper", "ana"):
        assert found(told, word) == [], word
    is_as_the_rows_say(told)


def test_a_withdrawn_piece_is_found_by_no_title(told: Story) -> None:
    told.piece("Quicksilver")
    told.tell("withdraw_contribution", id=id_of("Quicksilver"), reason="Not mine.")
    assert found(told, "quicksilver") == []


def test_a_joined_work_is_found_by_both_titles_until_it_is_parted(told: Story) -> None:
    song, wave = told.piece("Song"), told.piece("Wave", by=[told.person("Ana")])
    join = told.tell("join_works", work=wave, into=song).id
    assert found(told, "song") == found(told, "wave") == found(told, "ana song") == ["Song"]
    is_as_the_rows_say(told)
    told.tell("undo_join", id=join, reason="Another one.")
    assert found(told, "wave") == found(told, "ana wave") == ["Wave"]
    assert found(told, "song") == ["Song"]
    is_as_the_rows_say(told)


def test_a_person_is_found_by_what_accounts_merged_one_into_the_other_did(told: Story) -> None:
    one, two, three = (told.person(name) for name in ("One", "Two", "Three"))
    told.piece("Song", by=[one])
    told.tell("merge_contributor", id=one, into=two)
    told.tell("merge_contributor", id=two, into=three)
    assert found(told, "writer", kind="person") == ["Three"]
    is_as_the_rows_say(told)
    told.tell("separate_contributor", id=two, reason="Two people.")
    assert found(told, "writer", kind="person") == ["Two"]
    is_as_the_rows_say(told)
    credit = told.credit(id_of("Song"), one, "singer")
    assert found(told, "singer", kind="person") == ["Two"]
    told.tell("revoke_credit", id=credit, reason="No.")
    assert found(told, "singer", kind="person") == []
    is_as_the_rows_say(told)


def test_a_merged_person_is_found_by_both_names(told: Story) -> None:
    ana, other = told.person("Ana"), told.person("Anastasia")
    told.piece("Song", by=[other])
    told.tell("merge_contributor", id=other, into=ana)
    assert found(told, "ana song") == ["Song"]
    assert found(told, "writer", kind="person") == ["Ana"]
    told.tell("separate_contributor", id=other, reason="Two people.")
    assert found(told, "anastasia song") == ["Song"]
    assert found(told, "ana", kind="person") == ["Ana", "Anastasia"]
    is_as_the_rows_say(told)


def test_it_does_not_matter_how_it_is_written(told: Story) -> None:
    for title in (
        "三日月の夜",
        "O’Neill’s Straße",
        "Ｆｕｌｌ width",
        "Ångström",
        "C♯ minor",
        "под водой",
    ):
        told.piece(title)
    assert found(told, "日月") == ["三日月の夜"]
    assert found(told, "月日") == []
    assert found(told, "o'neill's strasse") == ["O’Neill’s Straße"]
    assert found(told, "full WIDTH") == ["Ｆｕｌｌ width"]
    assert found(told, "angstr") == ["Ångström"]
    assert found(told, "ПОД вод") == ["под водой"]
    nothing = (
        "",
        " ",
        "—",
        "'",
        '"',
        "*",
        "(",
        "a:b AND",
        "\\",
        "_z",
        "k_contribution",
        "p_1",
    )
    for typed in nothing:
        assert found(told, typed) in ([], ["C♯ minor"]), typed


def is_as_the_rows_say(told: Story) -> None:
    """The documents are those that a rebuild makes."""
    told.service.follower.catch_up()
    with told.store.writing() as writer:
        generation = told.store.current().number
        assert list(documents.differences(writer, generation)) == []
        assert documents.is_indexed(writer, generation)


def test_documents_that_grew_are_those_of_a_rebuild(told: Story) -> None:
    community(told)
    before = [one["id"] for one in hits(told, "t")]
    is_as_the_rows_say(told)
    Rebuild(told.journal, told.store).run()
    assert [one["id"] for one in hits(told, "t")] == before
    is_as_the_rows_say(told)
    told.piece("Tide again", by=[id_of("Ana Souza")])
    is_as_the_rows_say(told)


def test_an_audit_finds_a_changed_document(told: Story) -> None:
    community(told)
    told.service.follower.catch_up()
    assert list(read_tables(told.service, no_progress)) == []
    name = table_name(documents.NAME, told.store.current().number)
    with told.store.writing() as writer:
        gold, tide = "w_gold_ f_gold _ n_tide", "w_tide_ f_tide _ n_tide"
        sql = f"UPDATE {name} SET name = :gold WHERE name = :tide"
        assert writer.execute(sql, gold=gold, tide=tide) == 1
    (one,) = read_tables(told.service, no_progress)
    assert "documents" in one.where
    assert "gold" in one.what
    # What is searched, on either engine, is no column that is shown.
    hidden = f"UPDATE {name} SET words = '' WHERE name = :tide"
    if isinstance(told.service.engine, SQLiteEngine):
        hidden = f"DELETE FROM {name}_data WHERE id > 10 AND :tide <> ''"
    with told.store.writing() as writer:
        writer.execute(sql, gold=tide, tide=gold)
        assert writer.execute(hidden, tide=tide)
    (one,) = read_tables(told.service, no_progress)
    assert "found by other words than its own" in one.what


@pytest.mark.parametrize(
    "column, mark, other",
    [("texts", "t_", "k_"), ("terms", "o_", "k_"), ("terms", "o_", ""), ("name", "", "")],
)
def test_an_audit_finds_words_under_other_marks(
    column: str, mark: str, other: str, told: Story
) -> None:
    """Words under another mark are found as something else, and not as what they are."""
    community(told)
    told.service.follower.catch_up()
    generation = told.store.current().number
    name = table_name(documents.NAME, generation)
    sql = f"SELECT rowid, {column} FROM {name} WHERE {column} LIKE :mark"
    number, held = told.store.engine.query(sql, mark=f"%{mark or 'n_tide'}%")[0]
    changed = held.replace(mark, other) if mark else "_a tide _z"
    with told.store.writing() as writer:
        assert list(documents.differences(writer, generation)) == []
        sql = f"UPDATE {name} SET {column} = :changed WHERE rowid = :number"
        assert writer.execute(sql, changed=changed, number=number) == 1
        ((found, _),) = documents.differences(writer, generation)
        assert found is not None
        assert changed in str(found)


def test_a_row_from_which_no_document_can_be_made_is_what_is_wrong(told: Story) -> None:
    """And not that the check ended, as it does by a mistake of Stemma."""
    said = {"title": "Waves", "prompt": "Which?", "media": ["audio"]}
    told.tell("issue_challenge", **said, actor=told.person("ana"))
    told.service.follower.catch_up()
    name = table_name("challenges", told.store.current().number)
    told.store.engine.execute(f"UPDATE {name} SET media = '[] x'")
    (one,) = all_differences(read_tables, told.service, no_progress)
    assert one.where.startswith("challenges, ")


def test_both_engines_find_the_same_in_the_same_order(
    sqlite_with_tables: Path, postgres_copy: str, tmp_path: Path
) -> None:
    file = tmp_path / "stemma.db"
    copyfile(sqlite_with_tables, file)
    questions = ("t", "tide", "low t", "ana", "ben tide", "the", "draw above", "harbour souza")
    answers = []
    for address in (f"sqlite:///{file}", postgres_copy):
        with story(address) as told:
            community(told)
            answers.append([hits(told, q) for q in questions])
    assert answers[0] == answers[1]
    assert sum(map(bool, answers[0])) >= 6


def test_what_is_found_step_by_step_is_what_is_found_at_once(
    sqlite_with_tables: Path, postgres_copy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in communities of many more documents than are looked through in one step."""
    monkeypatch.setattr(Tsvector, "SPANS", (0, 1, 3))
    monkeypatch.setattr(Tsvector, "LOOKED_AT", 2)
    monkeypatch.setattr(Tsvector, "WIDER", 2)
    monkeypatch.setattr(searching, "FEW", 3)
    monkeypatch.setattr(searching, "NAMESAKES", 2)
    file = tmp_path / "stemma.db"
    copyfile(sqlite_with_tables, file)
    questions = ("amber ", "amber tide", "a", "tide lo", "low ", "tide low am", "zoe ", "souza ")
    answers = []
    for address in (f"sqlite:///{file}", postgres_copy):
        with story(address) as told:
            random, titles = Random(1), set[str]()
            for number in range(24):
                words = random.sample(("Amber", "Tide", "Low", "Harbour"), 1 + number % 3)
                by = {"by": [told.person(f"Zoe Ana de la Souza {number}")]} if number < 5 else {}
                title = " ".join(words)
                told.piece(f"{title} {number}" if title in titles else title, **by)
                titles.add(title)
            answers.append([*map(partial(walked, told), questions)])
    assert answers[0] == answers[1]
    assert all(answers[0])
    assert sum(map(len, answers[0])) > 60


def walked(told: Story, q: str) -> list[Any]:
    """All that a search finds, two at a time."""
    found, after = list[Any](), None
    with told.view() as view:
        while True:
            page = searching.search(view, q=q, after=after, limit=2)
            found += page.items
            if (after := page.next) is None:
                return found


def test_it_is_asked_by_http_on_a_page_and_at_the_terminal(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with story(database) as told:
        community(told)
        told.service.follower.catch_up()
    with serving(database, public_pages=True) as served:
        answer = served.operator.get("/hits", {"q": "low tide", "kind": "challenge"}).json
        assert [one["name"] for one in answer["items"]] == ["Draw the keeper"]
        assert served.operator.get("/hits").status == 422
        counted = served.operator.get("/hits/facets", {"q": "tid"}).json["kinds"]
        assert {one["kind"] for one in counted} >= {"project", "contribution"}
        page = served.client(None).get("/search", {"q": "benoit"}).text
        assert page.index(f"/contributor/{id_of('Benoît')}") < page.index("low tide</bdi>")
        assert "People (1)" in page
        assert "found in the name of a person in it" in page
        assert "Tide Tables" in served.client(None).get("/search", {"q": "tide ta"}).text
        page = served.client(None).get("/search", {"q": "ana suoza"}).text
        link = f'<a href="/contributor/{id_of("Ana Souza")}"><bdi>Ana Souza</bdi></a>'
        assert f"Did you mean {link}?" in page
        part = served.client(None).get("/search", {"q": "arbou"}).text
        assert "Harbour</bdi>" in part, "a part of a word is looked for if no word begins so"
        moved = served.client(None).get("/contributor")
        assert (moved.status, "kind=people" in moved.headers["Location"]) == (302, True)
    said = Stemma(database).run("search", "low tide").stdout
    assert said.index("whole") < said.index("begins") < said.index("elsewhere")
    ran = Stemma(database).run("search-facets", "tide")
    assert "challenge" in ran.stdout


def test_what_nothing_is_called_may_have_been_meant_so(told: Story) -> None:
    community(told)
    for n in range(COMPARED):
        told.person(f"Mia {n}")
    with told.view() as view:
        for typed, noun, names in (
            ("benoot", "contributor", ["Benoît"]),
            ("ana-sousa", "contributor", ["Ana Souza"]),
            ("hrabour", "work", ["Harbour"]),
            ("tidel", None, ["Tide", "Tidal"]),
            ("tidel", "release", ["Tidal"]),
            ("zzz", None, []),
            ("tide", "remix", []),
        ):
            near = [one["name"] for one in meant(view, typed, noun)]
            assert near == names, typed


def test_words_are_taken_apart_alike_whoever_types_them() -> None:
    assert words_of("L’été, “Ça va?”  №5_x") == ["l", "ete", "ca", "va", "no5", "x"]
    assert phrases_of("o'neill x-ray 東京") == [("o", "neill"), ("x", "ray"), ("東", "京")]
    assert words_of("a" * 500) == ["a" * 64]
