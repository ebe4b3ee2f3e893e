"""Real figures: what HitRecord and others published, paid out by the same rules.

Sources: HitRecord's community payment proposals and their finalised reports (Tiny Book of Tiny
Stories, December 2017; Glitch Megamix; HitRecord on TV, episode 1; the Logic song).
"""

from fractions import Fraction
from pathlib import Path

import pytest
from money import AGREED, HALF, asset, bank


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'stemma.db'}"


def test_tiny_book_of_tiny_stories(database: str) -> None:
    """8,073.64 USD came in from 2015 to June 2017; half of it, 4,036.82, went to the community.

    It was paid in December 2017. Nothing is divided while a source has brought less than 500 USD.
    """
    with bank(database) as told:
        writer, painter, editor = told.people("writer", "painter", "editor")
        pool = told.pool(terms=HALF, deferral_minor=500_00)
        proposal = told.agree(
            pool,
            [asset("story", {writer: "1"}, "3"), asset("drawing", {painter: "3", editor: "1"})],
        )
        royalties = [("2015", 1_100_00), ("2016", 4_973_64), ("2017-01", 2_000_00)]
        for period, amount in royalties:
            told.earn(pool, amount, period, source="book royalties")
        told.earn(pool, 499_99, "2017-03", source="prints")
        told.accept(proposal, writer, painter, editor)
        owed = told.account()
        assert owed.pop("house") == 4_036_82
        assert sum(owed.values()) == 4_036_82
        assert owed == {writer: 3_027_62, painter: 756_90, editor: 252_30}
        assert told.account("waiting") == {"": 499_99}
        assert sum(told.pay(payees=[writer, painter, editor]).values()) == 4_036_82


def test_glitch_megamix_adds_five_editors_at_one_per_cent_each(database: str) -> None:
    """After comments five were added, so every other share shrank in proportion."""
    with bank(database) as told:
        artists = told.people(*(f"artist {n}" for n in range(8)))
        editors = told.people(*(f"editor {n}" for n in range(5)))
        before = {artist: str(number + 1) for number, artist in enumerate(artists)}
        pool = told.pool()
        proposal = told.propose(pool, before)
        for editor in editors:  # who says that they are missing
            told.credit(told.books().pools[pool].opened.release, editor, actor=editor)
        comments = [
            told.tell(
                "comment_on_proposal",
                proposal=proposal,
                actor=editor,
                kind="left_out",
                about=editor,
                text="I edited it",
            ).id
            for editor in editors
        ]
        whole = sum(Fraction(part) for part in before.values())
        after = {
            artist: str(Fraction(part) / whole * Fraction(95, 100))
            for artist, part in before.items()
        }
        told.tell(
            "revise_proposal",
            proposal=proposal,
            comments=comments,
            assets=[asset("all of it", after | dict.fromkeys(editors, "1/100"))],
            note="five editors at 1 % each",
        )
        told.clock.wait(days=14)
        told.tell("finalise_proposal", proposal=proposal)
        final = told.books().agreements[proposal].shares
        assert sum(final.values()) == 1
        assert [final[editor] for editor in editors] == [Fraction(1, 100)] * 5
        for artist, part in before.items():
            assert final[artist] == Fraction(part) / whole * Fraction(95, 100)
        posted, revised = told.since(0, "proposal.posted", "proposal.revised")
        assert [*map(dict, (posted.assets[0]["shares"],))] == [before]
        assert revised.comments == comments


def test_an_episode_pays_fifty_thousand_dollars_to_426_artists(database: str) -> None:
    """Some act, some draw: assets of different values, some people in several of them."""
    with bank(database) as told:
        artists = told.people(*(f"artist {n}" for n in range(426)))
        assets = [
            asset(
                f"piece {n}",
                {artists[(n * 7 + k * 13) % 300]: str(k % 4 + 1) for k in range(n % 9 + 1)},
                str(n % 11 + 1),
                [f"act {n % 4 + 1}", "episode 1"],
            )
            for n in range(200)
        ]
        rest = [a for a in artists if not any(a in dict(each["shares"]) for each in assets)]
        assets.append(asset("faces", dict.fromkeys(rest, "1"), "5", ["episode 1"]))
        pool = told.pool(kind="special")
        proposal = told.agree(pool, assets)
        told.earn(pool, 50_000_00, source="network")
        owed = told.account()
        shares = told.books().agreements[proposal].shares
        assert len(shares) == 426
        assert sum(owed.values()) == 50_000_00
        for artist in artists:
            assert abs(owed.get(artist, 0) - 50_000_00 * shares[artist]) < 1


def test_the_logic_song_pays_a_fee_and_royalties_to_those_in_the_song_only(database: str) -> None:
    """50,000 USD, 50 % of publishing and 45 % of master royalties; who is only in the special
    gets nothing of the royalties."""
    with bank(database) as told:
        singer, drummer, actor = told.people("singer", "drummer", "actor")
        song = told.piece("song", by=[singer, drummer])
        scene = told.piece("scene", by=[actor])
        special = told.release("special", song, scene)

        def among(part: str) -> dict[str, object]:
            rest = str(1 - Fraction(part))
            return {"type": "fixed", "shares": [["label", rest], ["artists", part, AGREED]]}

        fee = told.pool("fee", release=special, kind="line_item")
        publishing, master = (
            told.pool(kind, release=special, kind=kind, terms=among(part), works=[song])
            for kind, part in (("publishing", "1/2"), ("master", "9/20"))
        )
        everybody = [asset(song, {singer: "1", drummer: "1"}, "4"), asset(scene, {actor: "1"})]
        told.agree(fee, everybody)
        for pool in (publishing, master):
            told.agree(pool, everybody[:1])
        told.earn(fee, 50_000_00)
        told.earn(publishing, 1_000_00)
        told.earn(master, 1_000_00)
        assert told.account(pool=fee) == {singer: 20_000_00, drummer: 20_000_00, actor: 10_000_00}
        assert told.account(pool=publishing) == {"label": 500_00, singer: 250_00, drummer: 250_00}
        assert told.account(pool=master) == {"label": 550_00, singer: 225_00, drummer: 225_00}
