"""A series: parts with components of their own; a segment used in several is in the whole once."""

from money import HALF, asset, bank
from stories import id_of

from projections import around, parts
from projections.roll import roll

EPISODES = 6


def test_a_docuseries_of_six_episodes_has_a_roll_for_each_and_for_the_whole(database: str) -> None:
    with bank(database) as told:
        people = told.people("Host", *(f"Maker {number}" for number in range(EPISODES)))
        host, *makers = people
        titles = told.piece("opening titles", by=[host], role="animator", actor=host)
        episodes = []
        for number, maker in enumerate(makers):
            film = told.piece(f"film {number}", by=[maker], role="director", actor=maker)
            act = told.release(f"act {number}", film, part="act", made_at=f"202{number}")
            # The titles stand at the beginning and at the end.
            said = {"part": "episode", "made_at": f"202{number}"}
            episodes.append(told.release(f"episode {number}", titles, act, titles, **said))
        series = told.release("series", *episodes, part="season")
        with told.view() as view:
            whole, one = roll(view, series), roll(view, episodes[0])
            assert around.work(view, series)["part"] == "season"
            assert around.work(view, episodes[0])["part"] == "episode"
            (twice, _) = around.work(view, episodes[0])["sources"]
            assert (twice["work"]["title"], twice["places"]) == ("opening titles", [1, 3])
            assert [person["name"] for person in one.people] == ["Host", "Maker 0"]
            assert {person["name"] for person in whole.people} == {
                "Host",
                *(f"Maker {number}" for number in range(EPISODES)),
            }
            assert [len(role["people"]) for role in whole.direct if role["role"] == "animator"] == [
                1
            ]
            assert len(whole.lineage.works) == 1 + 3 * EPISODES + 1
            found = parts.of_work(view, series).items
            (of_host,) = (each for each in found if each["contributor"]["id"] == host)
            assert (of_host["pieces"], of_host["path_count"]) == (1, EPISODES)


def test_each_part_is_split_by_its_own_agreement_and_a_shared_segment_paid_once(
    database: str,
) -> None:
    with bank(database) as told:
        host, ana, ben = told.people("Host", "Ana", "Ben")
        titles = told.piece("titles", by=[host], actor=host)
        films = [told.piece(name, by=[by], actor=by) for name, by in (("a", ana), ("b", ben))]
        episodes = [
            told.release(f"episode {number}", titles, film, part="episode")
            for number, film in enumerate(films)
        ]
        series = told.release("series", *episodes, part="season")
        own = told.pool("of episode 0", release=episodes[0], terms=HALF)
        shares = [asset(titles, {host: "1"}, "1"), asset(films[0], {ana: "1"}, "3")]
        told.accept(told.agree(own, shares), host, ana)
        whole = told.pool("of the series", release=series, terms=HALF)
        pieces = [
            asset(titles, {host: "1"}, "2"),
            asset(films[0], {ana: "1"}, "3", ["episode 0"]),
            asset(films[1], {ben: "1"}, "3", ["episode 1"]),
        ]
        told.accept(told.agree(whole, pieces), host, ana, ben)
        told.earn(own, 800)
        told.earn(whole, 1600)
        assert told.account(pool=own) == {"house": 400, host: 100, ana: 300}
        assert told.account(pool=whole) == {"house": 800, host: 200, ana: 300, ben: 300}
        assert id_of("titles") == titles


def test_a_group_divides_its_share_by_its_own_agreement_or_is_paid_itself(database: str) -> None:
    with bank(database) as told:
        band, ana, ben, eva = told.people("The Tides", "Ana", "Ben", "Eva")
        for person in (ana, ben):
            said = {"group": band, "contributor": person, "actor": band}
            told.tell(
                "accept_membership", id=told.tell("offer_membership", **said).id, actor=person
            )
        pool = told.pool()
        told.accept(told.agree(pool, {band: "1", eva: "1"}), band, eva)
        told.earn(pool, 1000, "2026-01")
        assert told.account() == {band: 500, eva: 500}
        why = {"reason": "As we agreed.", "evidence": "minutes of March", "effective_at": "2026-02"}
        for person, part in ((ana, "1/4"), (ben, "1/3")):
            share = {"pool": pool, "payee": band, "to": person, "part": part}
            told.accept(told.tell("assign_share", actor=band, **share, **why).id, person)
        told.earn(pool, 800, "2026-03")
        # A quarter, then a third of what was left: what they did not divide is the group's own.
        assert told.account() == {band: 500 + 200, ana: 100, ben: 100, eva: 500 + 400}
