"""No fact about a work or a person can be left out of its history unnoticed."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from eventsourcing.persistence import StoredEvent
from money import bank
from serving import OPERATOR_KEY, serving
from stories import IDS, Story, at_once, every_fact, id_of, story

from domain.chain import Chains, content_of, must_be_whole, named_in
from domain.engine import Row
from domain.fact import FACTS
from domain.heads import read_basis
from domain.latest import verify_latest
from domain.note import SignerKey
from domain.receipt import Leaf, Link, leaf_bytes, read_leaf, split_receipts
from domain.refusal import Busy
from domain.tree import NotVerified, leaf_hash
from projections import history
from scripts import bundle
from scripts.described import describe_history
from scripts.histories import check_history
from scripts.replay import append
from scripts.stemma import main

SIGNER = SignerKey.new("stemma.example/log")
KEYS = [SIGNER.verifier]


def leaves(told: Story) -> list[bytes]:
    return [placed.leaf() for placed in told.facts()]


def receipts_of(told: Story, work: str) -> list[bytes]:
    """What GET /works/{id}/history.receipts gives, receipt by receipt."""
    told.service.log.catch_up()
    with told.view() as view:
        return list(told.service.log.receipts(history.PROVEN["work"].positions(view, work)))


# -- recorded ------------------------------------------------------------------------------


def test_a_fact_names_the_fact_before_it_of_each_it_is_about(database: str) -> None:
    with story(database) as told:
        ana = told.person("ana")
        poem = told.piece("poem", by=[ana])
        credit = told.credit(poem, ana)
        first, submitted, granted, last = (read_leaf(leaf) for leaf in leaves(told))
        assert first.links == (Link(ana, 1),)
        assert submitted.links == (Link(poem, 1),)
        assert granted.links == (
            Link(poem, 2, 2, leaf_hash(leaf_bytes(*submitted))),
            Link(ana, 2, 1, leaf_hash(leaf_bytes(*first))),
        )
        assert (last.originator_id, last.link_to(poem).number) == (credit, 3)
        assert last.link_to(ana).previous == 3


def test_a_credit_that_waits_for_its_contributor_is_in_no_history_and_the_log_is_whole(
    database: str,
) -> None:
    with story(database) as told:
        ana, ben = told.person("ana"), told.person("ben")
        poem = told.piece("poem", by=[ana], actor=ana)
        told.tell("ask_first", id=ben, actor=ben)
        # Granted by another contributor, and taken back or declined while it still waits.
        told.tell("revoke_credit", id=told.credit(poem, ben, actor=ana), reason="no", actor=ana)
        told.tell("decline_credit", id=told.credit(poem, ben, actor=ana), reason="no", actor=ben)
        (credit, before) = told.credit(poem, ben, actor=ana), len(leaves(told))
        chains = follow_all(told)
        assert (chains.heads[ben].number, chains.heads[poem].number) == (2, 3)
        told.tell("accept_credit", id=credit, actor=ben)
        assert follow_all(told).heads[ben][:2] == (3, before + 1)


def follow_all(told: Story) -> Chains:
    """The chains of the whole log, as whoever mirrors it checks them."""
    chains = Chains()
    for leaf in leaves(told):
        chains.follow(read_leaf(leaf), leaf_hash(leaf))
    return chains


def again(told: Story, work: str, person: str, **said: str) -> None:
    """Credit a person, as often as somebody else was faster: on a busy machine that is often."""
    with suppress(Busy):
        told.credit(work, person, **said)
        return
    again(told, work, person, **said)


def test_the_latest_fact_about_many_people_is_read_once(database: str) -> None:
    """Once for each of 10,000 people with a share, it took 460 MB."""
    with bank(database) as told:
        people, engine = told.people(*map(str, range(60))), told.service.engine
        rows: list[Row] = []
        told.propose(told.pool(), dict.fromkeys(people, "1/60"))

        def query(sql: str, **values: Any) -> list[Row]:
            rows.extend(found := engine.query(sql, **values))
            return found

        heads = read_basis(query, engine, people).heads
        assert heads.keys() == {*people}
        assert {position for _, position, _ in heads.values()} == {told.head()}
        with_fact = [position for _, _, _, _, position, *fact in rows if any(fact)]
        assert with_fact == [told.head()] * 2, "also as the end of the journal"


def test_many_who_write_about_one_work_at_once_get_each_a_number_of_their_own(
    database: str,
) -> None:
    with story(database) as told:
        work, people = told.piece("work"), [told.person(f"person {n}") for n in range(6)]

        def grant(person: str) -> None:
            for number in range(8):
                again(told, work, person, display=f"credit {number}")

        at_once(*(partial(grant, person) for person in people))
        numbers = [
            link.number
            for leaf in leaves(told)
            for link in read_leaf(leaf).links
            if link.subject == work
        ]
        assert numbers == list(range(1, 50))


@pytest.mark.after(told=every_fact)
def test_what_a_kind_of_fact_names_it_is_about(database: str) -> None:
    """So a verifier sees without the program that a fact stands in every history it belongs to."""
    with story(database) as told:
        for placed in told.facts():
            leaf = read_leaf(placed.leaf())
            assert named_in(leaf, content_of(leaf)) == set(placed.fact().subjects())
        assert {placed.topic for placed in told.facts()} <= set(FACTS)


@pytest.mark.after(told=every_fact)
def test_an_export_put_back_has_the_same_leaves_byte_for_byte(
    database: str, tmp_path: Path
) -> None:
    with story(database) as told, story(f"sqlite:///{tmp_path / 'back.db'}") as back:
        lines = [bundle.FoundLine("", line) for line in bundle.export_lines(told.journal)]
        # In pages, so that a chain goes on over several appends.
        assert bundle.import_lines(back.journal, lines, batch=7).refused == []
        assert leaves(back) == leaves(told)
        told.tell("redate_work", id=id_of("song"), made_at="2021", reason="r")
        more = [bundle.FoundLine("", line) for line in bundle.export_lines(told.journal)]
        assert bundle.import_lines(back.journal, more).unchanged["fact"] == len(lines)
        assert leaves(back) == leaves(told)


# -- verified ------------------------------------------------------------------------------


@pytest.mark.after(told=every_fact)
def test_a_history_is_whole_and_one_fact_less_is_named(database: str) -> None:
    with story(database, signer=SIGNER) as told:
        poem = IDS["poem"]
        receipts = receipts_of(told, poem)
        assert len(receipts) == 14
        assert split_receipts(b"".join(receipts)) == receipts
        whole = check_history(b"".join(receipts), None, KEYS)
        assert (whole.subject, len(whole.leaves)) == (poem, 14)
        for number in range(1, 15):
            less = receipts[: number - 1] + receipts[number:]
            if number == 14:  # what comes last is for a mirror to show
                assert len(check_history(b"".join(less), poem, KEYS).leaves) == 13
                continue
            with pytest.raises(NotVerified, match=f"fact {number} of {poem} is missing"):
                check_history(b"".join(less), poem, KEYS)
        with pytest.raises(NotVerified, match="repeats fact 1 of"):
            check_history(b"".join([receipts[0], *receipts]), poem, KEYS)
        with pytest.raises(NotVerified, match="is not about"):
            check_history(b"".join(receipts), id_of("text-eva"), KEYS)


def test_receipts_of_different_days_make_a_history_too(tmp_path: Path) -> None:
    """Each is under the checkpoint of its day; the chain holds them together."""
    with story(f"sqlite:///{tmp_path / 'stemma.db'}", signer=SIGNER) as told:
        piece, kept = told.piece("piece"), b""
        for year in ("2001", "2002"):
            told.service.log.catch_up()
            kept += told.service.log.receipt(told.head())
            told.tell("redate_work", id=piece, made_at=year, reason="r")
        history = check_history(kept, None, KEYS)
        assert (len(history.leaves), history.trusted.checkpoint.size) == (2, 2)


def test_a_history_from_two_trees_of_one_size_is_a_fork(database: str, other_database: str) -> None:
    with story(database, signer=SIGNER) as ours, story(other_database, signer=SIGNER) as theirs:
        piece = ours.piece("piece")
        append(theirs.service, 0, [StoredEvent(*one[1:5]) for one in ours.facts()])
        theirs.person("somebody else")
        theirs.service.log.catch_up()
        (kept,) = receipts_of(theirs, piece)
        ours.tell("redate_work", id=piece, made_at="2001", reason="r")
        ours.service.log.catch_up()
        kept += receipts_of(ours, piece)[1]
    with pytest.raises(NotVerified, match=r"fork: .* two different trees of 2 leaves"):
        check_history(kept, None, KEYS)


Change = Callable[[list[Leaf]], list[Leaf]]


def renumbered(at: int, **link: object) -> Change:
    """The log with the first link of one leaf changed, as an operator might."""

    def change(told: list[Leaf]) -> list[Leaf]:
        first, *others = told[at].links
        changed = told[at]._replace(links=(first._replace(**link), *others))
        return [*told[:at], changed, *told[at + 1 :]]

    return change


def unlinked(at: int) -> Change:
    return lambda told: [*told[:at], told[at]._replace(links=()), *told[at + 1 :]]


TOLD_WRONG: dict[str, tuple[Change, str]] = {
    "a number left out": (renumbered(3, number=4, previous=3), "fact 3 of .* is missing"),
    "a number twice": (renumbered(3, number=1, previous=0, hash=b""), "repeats fact 1 of"),
    "another before": (renumbered(3, hash=bytes(32)), "does not follow the one before it"),
    "a fact in no history": (unlinked(3), "is not in its history"),
    "a birth in no history": (unlinked(1), "is not in its history"),
}


@pytest.mark.parametrize("change, said", TOLD_WRONG.values(), ids=list(TOLD_WRONG))
def test_a_log_whose_histories_do_not_hold_is_not_verified(
    change: Change, said: str, tmp_path: Path
) -> None:
    """Signed or not: whoever reads all of it sees that it contradicts itself."""
    with story(f"sqlite:///{tmp_path / 'stemma.db'}") as told:
        ana = told.person("ana")
        told.credit(told.piece("poem", by=[ana]), ana)
        read = [read_leaf(leaf) for leaf in leaves(told)]
    follow(read)
    with pytest.raises(NotVerified, match=said):
        follow(change(read))


def follow(read: list[Leaf]) -> None:
    chains = Chains()
    for leaf in read:
        chains.follow(leaf, leaf_hash(leaf_bytes(*leaf)))


# -- for an auditor ------------------------------------------------------------------------


def test_the_history_of_each_subject_is_whole_and_ends_where_the_map_says(tmp_path: Path) -> None:
    """Also of what was joined, merged or forgotten, and of projects and challenges."""
    with serving(f"sqlite:///{tmp_path}/a.db", follow=False) as served:
        told, ask = Story(served.service), served.operator.get
        every_fact(told)
        served.service.follower.catch_up()
        served.service.log.catch_up()
        keys = served.service.log.public_keys()
        nouns = list(history.PROVEN)
        for subject in {link.subject for leaf in leaves(told) for link in read_leaf(leaf).links}:
            told_of = [ask(f"/{noun}s/{subject}/history.receipts") for noun in nouns]
            (whole,) = [answer.text.encode() for answer in told_of if answer.status == 200]
            end = verify_latest(ask(f"/log/latest/{subject}").text.encode(), keys)
            assert "ends here" in "\n".join(
                describe_history(check_history(whole, subject, keys), end)
            )


def test_an_auditor_checks_a_history_and_an_answer_of_the_past_offline(
    database: str, tmp_path: Path
) -> None:
    with serving(database, follow=False) as served:
        service, ask = served.service, served.operator.get
        ana = served.admit("Ana")
        song = served.post_piece("Low Tide", by=ana)
        then = served.head
        served.operator.post(f"/works/{song}/redate", made_at="2001", reason="r")
        service.follower.catch_up()
        service.log.catch_up()
        key = ask("/log/key").text.strip()

        def verify(kind: str, text: str, *more: str) -> str:
            file = tmp_path / kind
            file.write_text(text)
            done = CliRunner().invoke(main, ["verify", kind, str(file), "--key", key, *more])
            assert done.exit_code == 0, done.output
            return done.output

        told = verify("history", ask(f"/works/{song}/history.receipts").text)
        assert "facts       1 to 3, none missing" in told
        assert "not shown   that there is no fact 4 up to position 4" in told
        before = ask(f"/works/{song}/history.receipts", as_of=then)
        assert "facts       1 to 2" in verify("history", before.text)
        person = ask(f"/contributors/{ana}/history.receipts").text
        assert f"about       {ana}" in verify("history", person, "--of", ana)

        moment = ask(f"/works/{song}/history").items[-2]["recorded_at"]
        anybody = served.client(None)
        assert anybody.get("/log/position", at=moment).json == {
            "position": then,
            "recorded_at": moment,
        }
        assert anybody.get("/log/position", at="1999").json["position"] == 0
        assert anybody.get("/log/position", at="soon").code == "bad_made_at"
        backed = anybody.get(f"/log/as-of/{then}").text
        assert "as of       position 3\nroot then" in verify("as-of", backed)
        assert anybody.get("/log/as-of/5").code == "not_in_log"
        assert anybody.get("/log/as-of/0").code == "not_in_log"
        other = tmp_path / "other"
        other.write_text(backed.replace("size 3", "size 2"))
        assert CliRunner().invoke(main, ["verify", "as-of", str(other), "--key", key]).exit_code

        folder = str(tmp_path / "mirror")
        (tmp_path / "auditor").write_text(OPERATOR_KEY)
        auditor = ["--api-key", str(tmp_path / "auditor")]
        url = f"http://127.0.0.1:{served.operator.port}/log"
        assert (
            CliRunner().invoke(main, ["mirror", url, folder, "--key", key, *auditor]).exit_code == 0
        )
        words = ["verify", "log", folder, "--key", key, "--of"]
        counted = CliRunner().invoke(main, [*words, song]).output
        assert "facts       1 to 3, all of them; the last at position 4" in counted
        assert "facts       none" in CliRunner().invoke(main, [*words, id_of("nobody")]).output


# -- facts that a reader may not read ------------------------------------------------------------

HASHES = [bytes([number]) * 32 for number in range(10)]


def at(position: int, *link: Any) -> Leaf:
    """The leaf at a position, by which a subject has this link."""
    return Leaf(position, "one", 1, "topic", b"{}", (Link("one", *link),))


@pytest.mark.parametrize(
    "facts, withheld, why",
    [
        ([at(1, 1), at(5, 3, 4, HASHES[4])], {2}, None),
        ([at(5, 3, 4, HASHES[4])], {1, 2}, None),
        ([at(1, 1), at(7, 4, 6, HASHES[6]), at(8, 5, 7, HASHES[7])], {2, 3}, None),
        ([at(1, 1), at(5, 3, 4, HASHES[4])], {1, 3}, "here, and said to be withheld"),
        ([at(1, 1), at(5, 3, 4, HASHES[4])], {4}, "fact 2 of one is missing"),
        ([at(1, 1), at(7, 4, 6, HASHES[6])], {3}, "fact 2 of one is missing"),
        ([at(1, 1), at(7, 4, 6, HASHES[6])], {2}, "fact 2 of one is missing"),
        ([at(4, 1), at(5, 3, 3, HASHES[3])], {2}, "fact 2 of one is missing"),
        ([at(4, 1), at(5, 3, 4, HASHES[4])], {2}, "fact 2 of one is missing"),
        ([at(1, 1), at(2, 2, 1, HASHES[1])], {3, 4}, None),
        ([at(1, 1), at(2, 2, 1, HASHES[1])], {4}, "fact 3 of one is missing"),
        ([at(1, 1), at(6, 2, 5, HASHES[5])], {3}, "does not follow the one before it"),
        ([at(1, 1), at(6, 2, 1, HASHES[5])], {3}, "does not follow the one before it"),
    ],
)
def test_only_facts_that_are_said_to_be_withheld_may_be_missing(
    facts: list[Leaf], withheld: set[int], why: str | None
) -> None:
    hashes = [HASHES[leaf.position] for leaf in facts]
    if why is None:
        must_be_whole("one", facts, hashes, withheld)
    else:
        with pytest.raises(NotVerified, match=why):
            must_be_whole("one", facts, hashes, withheld)


@pytest.mark.parametrize("link", [(1, 1), (1, 0, HASHES[1]), (2, 5), (2, 0), (6, 5), (4, 2)])
def test_a_leaf_names_only_a_fact_that_can_be_before_it(link: tuple[Any, ...]) -> None:
    number, previous, hash = (*link, HASHES[1])[:3]
    with pytest.raises(ValueError, match="names a fact before it"):
        leaf_bytes(*at(5, number, previous, hash))
    for number, previous in ((2, 1), (2, 4), (5, 4)):
        assert leaf_bytes(*at(5, number, previous, HASHES[1]))
    assert leaf_bytes(*at(2**63 - 1, 1))
