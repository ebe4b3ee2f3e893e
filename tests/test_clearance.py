"""What stands in the way of a release: each kind is found, and gone once its command is given."""

from pathlib import Path
from typing import Any

from money import Bank, asset, bank
from serving import serving
from stories import OPERATOR, id_of

from domain.outside import outside_id
from domain.registry import COMMANDS
from projections import clearance, contributors, identifiers, lineage
from projections.clearance import KINDS, Obstacle
from projections.money.pools.proposals import used_but_uncited

SONG, POEM, ALBUM, MIA, BEN = map(id_of, ("song", "poem", "album", "mia", "ben"))
WRITER = [{"contributor": BEN, "role": "writer", "ai": ["none"]}]
NUMBERS = {"song": ("isrc", "USSKG1912345"), "album": ("upc", "036000291452")}


def identified(name: str) -> list[dict[str, str]]:
    scheme, number = NUMBERS[name]
    return [{"scheme": scheme, "identifier": number}]


def ready(told: Bank) -> str:
    """A release in whose way nothing stands."""
    for name, isni in (("mia", "0000000121032683"), ("ben", "000000012146438X")):
        person = told.person(name)
        told.tell("state_identifier", contributor=person, scheme="isni", identifier=isni)
    told.tell(
        "submit_contribution",
        title="song",
        medium="audio",
        licence="CC-BY-4.0",
        authors=[{"contributor": MIA, "role": "singer", "ai": ["none"]}],
        identifiers=identified("song"),
        id=SONG,
        actor=MIA,
    )
    told.tell(
        "submit_contribution",
        title="poem",
        medium="text",
        licence="CC0-1.0",
        authors=WRITER,
        id=POEM,
        actor=BEN,
    )
    told.release("album", SONG, identifiers=identified("album"), actor=MIA)
    told.tell("describe_work", id=ALBUM, licence="CC-BY-4.0", reason="all of it")
    return ALBUM


def obstacles(told: Bank, actor: str = OPERATOR) -> list[Obstacle]:
    with told.view() as view:
        found = clearance.obstacles(view, told.journal, ALBUM, actor=actor, limit=200).items
        counted = clearance.counted(view, told.journal, ALBUM, actor=actor)
    assert counted["count"] == len(found)
    assert [one["kind"] for one in counted["kinds"]] == list(
        dict.fromkeys(one["kind"] for one in found)
    )
    return found


def kinds(told: Bank, actor: str = OPERATOR) -> list[str]:
    return [one["kind"] for one in obstacles(told, actor)]


def stated(told: Bank, id: str) -> list[dict[str, Any]]:
    with told.view() as view:
        find = contributors.find_person if id == MIA else lineage.find
        return identifiers.of(view, find(view, id)[0])


class Clearing:
    """A release in whose way something stands, and then does not any more."""

    def __init__(self, told: Bank) -> None:
        self.told, self.seen = told, set[str]()
        ready(told)
        assert obstacles(told) == []

    def __call__(self, kind: str, about: str, asked: str | None, **said: Any) -> None:
        """This alone stands in the way; its command, given by whom is asked, clears it."""
        (found,) = obstacles(self.told)
        assert (found["kind"], found["about"] or found["work"]["id"]) == (kind, about)
        assert (found["ask"] and found["ask"]["id"]) == asked
        command = COMMANDS[found["command"]]
        noun = "contributor" if kind == "person_unidentified" else "work"
        said.setdefault(next(iter(command.in_path()), noun), about)
        self.told.journal.record(command.of(said), by=asked or OPERATOR)
        assert kind not in kinds(self.told)
        self.seen.add(kind)


ANSWERS = {f"{noun}_disputed" for noun in ("credit", "remix", "identifier")}
ANSWERS |= {f"{noun}_unanswered" for noun in ("credit", "remix", "join")}
MONEY = {"share_unanswered", "share_missing", "share_not_agreed"}
MISSING = KINDS.keys() - ANSWERS - MONEY


def test_what_has_no_answer_yet_is_cleared_by_the_answer(database: str) -> None:
    with bank(database) as told:
        cleared, tell = Clearing(told), told.tell
        no = {"grounds": "other", "reason": "no"}
        stands = {"outcome": "dismissed", "reason": "it stands"}

        credit = told.credit(SONG, BEN, "writer", ai=["none"])
        cleared("credit_unanswered", credit, BEN)
        tell("dispute_credit", id=credit, **no)
        cleared("credit_disputed", credit, None, **stands)
        said = {"role": "drummer", "evidence": "the take", "actor": BEN}
        claim = tell("claim_work", id=SONG, contributor=BEN, **said).id
        cleared("credit_unanswered", claim, MIA)
        tell("revoke_credit", id=claim, reason="another song")

        edge = told.edge(SONG, POEM, "influence", evidence="he said so", actor=BEN)
        cleared("remix_unanswered", edge, MIA)
        tell("dispute_remix", id=edge, **no)
        cleared("remix_disputed", edge, None, **stands)

        numbered = tell("state_identifier", work=POEM, scheme="doi", identifier="10.1234/a").id
        tell("dispute_identifier", id=numbered, **no)
        cleared("identifier_disputed", numbered, None, **stands)

        again = tell("submit_contribution", title="again", medium="audio", actor=BEN).id
        same = tell("join_works", work=again, into=SONG, reason="posted twice", actor=BEN).id
        cleared("join_unanswered", same, MIA, reason="so it is")
        assert cleared.seen == ANSWERS


def test_what_is_missing_is_asked_of_who_can_say_it(database: str) -> None:
    with bank(database) as told:
        cleared, tell = Clearing(told), told.tell
        made = {"medium": "audio", "actor": BEN}
        hum = tell("submit_contribution", title="hum", licence="CC0-1.0", **made).id
        edge = told.edge(SONG, hum, "influence")
        cleared("credit_missing", hum, BEN, contributor=BEN, role="singer")
        (credit,) = [one["about"] for one in obstacles(told)]
        cleared("ai_missing", str(credit), BEN, ai=["none"], reason="asked")
        tell("strike_remix", id=edge, reason="not in it")

        tune = tell("submit_contribution", title="tune", authors=WRITER, **made).id
        edge = told.edge(SONG, tune, "sample")
        cleared("licence_missing", tune, BEN, licence="CC-BY-ND-4.0", reason="as it is")
        (conflict,) = obstacles(told)
        assert (conflict["work"]["id"], conflict["about"]) == (SONG, edge)
        assert "tune" in str(conflict["detail"])
        tell("describe_work", id=tune, licence="CC0-1.0", reason="given away", actor=BEN)
        cleared.seen.add("licence_conflict")
        uri = "https://example.org/loop"
        edge = tell("declare_remix", child=SONG, uri=uri, kind="sample").id
        source = obstacles(told)[0]["work"]["id"]
        tell("describe_work", id=source, licence="CC-BY-ND-4.0", reason="it says so")
        assert f"({uri})" in str(obstacles(told)[0]["detail"])
        tell("strike_remix", id=edge, reason="not in it")

        for kind, about in (("identifier_missing", ALBUM), ("person_unidentified", MIA)):
            (number,) = stated(told, about)
            tell("withdraw_identifier", id=number["id"], reason="another's")
            said = {"scheme": number["scheme"], "identifier": number["identifier"]}
            cleared(kind, about, MIA, **said)

        tell("declare_remix", child=SONG, uri="https://example.org/break", kind="influence")
        source = obstacles(told)[0]["work"]["id"]
        tell("describe_work", id=source, licence="CC0-1.0", reason="it says so")
        said = {"contributor": BEN, "role": "drummer", "evidence": "the tape"}
        cleared("source_unclaimed", source, None, **said)
        assert cleared.seen == MISSING


def test_a_share_of_an_account_or_work_is_that_of_its_person_and_its_makers(database: str) -> None:
    """Merged, claimed or joined since: nobody is asked to propose what they already have."""
    with bank(database) as told:
        ana, old, new, dee, eve = map(told.person, ("ana", "old", "new", "dee", "eve"))
        song = told.piece("song", by=[ana, old], actor=ana)
        horn = outside_id(uri := "https://example.org/horn")
        told.tell("declare_remix", child=song, uri=uri, kind="sample")
        album = told.release("album", song)

        def missed(shares: dict[str, str], of: str = song) -> list[str | None]:
            with told.view() as view:
                return [one["name"] for one in used_but_uncited(view, album, [asset(of, shares)])]

        shares = {ana: "1/2", old: "1/4", f"work/{horn}": "1/4"}
        assert missed(shares) == []
        told.tell("merge_contributor", id=old, into=new)
        for claims in (dee, eve):  # the second gets nothing of the share
            told.tell("claim_work", id=horn, contributor=claims, role="drummer", evidence="tape")
        assert missed(shares) == ["eve"]
        assert missed({ana: "1"}) == [uri, "new", "dee", "eve"]
        told.tell("join_works", uri=uri, into=(posted := told.piece("posted", by=[dee])))
        joined = {ana: "1/2", new: "1/4", f"work/{posted}": "1/4"}
        assert missed(shares) == missed(joined) == ["eve"]
        assert missed(shares, horn) == ["song", "eve"]


def test_who_has_passed_their_share_on_is_not_missed(database: str) -> None:
    """To somebody else, or as a group to its members; a part of it may have gone on again."""
    with bank(database) as told:
        ana, band, ben, cy = map(told.person, ("ana", "band", "ben", "cy"))
        told.release("album", song := told.piece("song", by=[ana, band], actor=ana))
        pool = told.pool(release=id_of("album"))
        told.agree(pool, [asset(song, {ana: "1", band: "1"})])
        said = {"pool": pool, "effective_at": "2026-02", "reason": "r", "evidence": "e"}
        halves = [{"payee": each, "part": "1/2"} for each in (ben, cy)]
        told.tell("assign_share", payee=ana, to="Publisher", **said)
        told.tell("assign_share", payee=band, among=halves, **said)
        told.tell("assign_share", payee="Publisher", to="Firm", **said)
        assert "share_not_agreed" not in kinds(told)


def test_shares_stand_in_the_way_for_those_who_may_read_them(database: str) -> None:
    with bank(database) as told:
        ready(told)
        told.edge(SONG, POEM, "influence")
        pool = told.pool(release=ALBUM)
        agreed = told.agree(pool, [asset(SONG, {MIA: "1"})])
        assert kinds(told) == ["share_unanswered", "share_not_agreed", "share_not_agreed"]
        assert kinds(told, MIA) == kinds(told)
        assert kinds(told, "") == []
        first, *missing = obstacles(told)
        assert (first["ask"], first["about"]) == ({"id": MIA, "name": "mia"}, agreed)
        assert {one["detail"] for one in missing} == {"ben", "poem"}
        assert {(one["about"], one["command"]) for one in missing} == {(pool, "proposal")}
        told.accept(agreed, MIA)
        assert set(kinds(told)) == {"share_not_agreed"}
        proposed = told.propose(pool, [asset(SONG, {MIA: "1", BEN: "1"})])
        (missing_still,) = obstacles(told)
        assert (missing_still["kind"], missing_still["about"]) == ("share_missing", proposed)
        told.propose(pool, [asset(one, {MIA: "1", BEN: "1"}) for one in (SONG, POEM)])
        assert kinds(told) == []


def test_the_page_says_whom_to_ask_and_leads_to_where_it_is_done(tmp_path: Path) -> None:
    with serving(f"sqlite:///{tmp_path / 'stemma.db'}") as served:
        mia = served.admit("Mia")
        song = served.post_piece("Song", by=mia)
        made = served.operator.post("/releases", title="Album", components=[{"work": song}]).id
        page = served.operator.get(f"/release/{made}/clearance").text
        assert "No licence is on record." in page
        assert f'href="/do/work.describe?id={song}"' in page
        assert f'href="/contributor/{mia}"' in page
        assert f'href="/piece/{song}?say=%40Mia%20#say"' in page, "where to ask them"
        assert ">@Mia </textarea>" in served.operator.get(f"/piece/{song}", say="@Mia ").text
        assert "Publish it anyway" in page
        only = served.operator.get(f"/release/{made}/clearance?kind=licence_missing").text
        assert "registry" in page.partition("</nav>")[2]
        assert "registry" not in only.partition("</nav>")[2]
        assert "Publish it" not in served.acting(mia).get(f"/release/{made}/clearance").text
