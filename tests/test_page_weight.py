"""Every page is light: with its sheets and scripts less than 100 KB, in a community that is large.

Rule: a page that is not in the list fails, so that none is forgotten.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import urljoin

import pytest
from clocks import TickingClock
from flask.testing import FlaskClient
from money import Bank, asset
from stories import carry_out
from werkzeug.test import TestResponse

from api.application import create_app
from api.web import is_page
from domain.draft import Draft
from domain.identity import part_id
from domain.note import SignerKey
from domain.registry import COMMANDS
from scripts.service import Service, open_service

MOST_BYTES = 100_000
MOST_FONT_BYTES = 24_000
PEOPLE, WORKS, MANY, PARTS = 426, 500, 300, 45
LONG = "It was in my drawer since the summer of the long rain, and I can show the drafts. " * 40
KEY = "for-this-test-only"

NO_PAGES = {
    "/openapi.json": "it is for programs, and whole",
    "/contributor": "it leads to the search for people",
    "/static/<path:filename>": "a part of pages",
    "/static/pictures.css": "a part of pages",
    "/favicon.ico": "the icon of pages",
    "/static/arimo-<int:weight>.woff2": "a part of pages with a picture, which browsers keep",
    **{
        f"/works/<id>/lineage.{name}": "a whole lineage for other tools"
        for name in ("graphml", "dot", "jsonld")
    },
    "/works/<id>/contributors.csv": "a whole credits roll for other tools",
    "/works/<id>/lineage.png": "as many pixels as the picture is large",
    "/works/<id>/descendants.png": "as many pixels as the picture is large",
    "/pools/<id>/split.png": "as many pixels as the picture is large",
}
"""What is not held to it, and why."""


@dataclass
class Community:
    """A service with much in it, and places for every page; "as" says who looks at one."""

    service: Service
    client: FlaskClient
    places: dict[str, list[str]]
    sizes: dict[str, int] = field(default_factory=dict)
    """Of the sheets and scripts, each of which many pages have."""

    def get(self, place: str) -> TestResponse:
        """A page, as somebody sees it."""
        path, _, actor = place.partition(" as ")
        key = self.service.keys.create(actor) if actor else KEY
        answer = self.client.get(path, headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == 200, (place, answer.status, answer.text)
        return answer

    def parts(self, path: str, what: str) -> Iterator[str]:
        """A page, and those on which one of its lists goes on."""
        further: str | None = path
        while further:
            text = self.get(further).text
            yield text
            found = re.search(rf'<a href="([^"]*what={what}[^"]*)" rel="next">', text)
            further = found and urljoin(path, unescape(found[1])).partition("#")[0]

    def weight(self, place: str) -> int:
        """How heavy a page is with its sheets and scripts."""
        answer = self.get(place)
        if answer.mimetype != "text/html":
            return len(answer.data)
        parts = re.findall(r'<(?:link rel="stylesheet" href|script src)="/([^"]+)"', answer.text)
        return len(answer.data) + sum(map(self._size, parts))

    def _size(self, part: str) -> int:
        if part not in self.sizes:
            with self.client.get(f"/{part}") as answer:
                self.sizes[part] = len(answer.data)
        return self.sizes[part]


@pytest.fixture(scope="module")
def community(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Community]:
    clock = TickingClock()
    database = f"sqlite:///{tmp_path_factory.mktemp('weight') / 'stemma.db'}"
    signer = SignerKey.new("stemma.example/log")
    with open_service(database, clock=clock, operator_key=KEY, signer=signer) as service:
        told = Bank(service)
        told.clock = clock
        places = fill(told)
        service.follower.catch_up()
        service.log.catch_up()
        app = create_app(service.journal, service.store, service.keys, service.log)
        client = app.test_client()
        chapters = set(re.findall(r'href="(/docs/[\w/-]+)"', client.get("/docs").text))
        places["/docs/<path:chapter>"] = sorted(chapters)
        yield Community(service, client, places)


def fill(told: Bank) -> dict[str, list[str]]:
    """A hub and its remixes, a release of hundreds, a collage of hundreds, and what they earn."""
    draft = told.journal.draft(is_vouched_for=True)
    people = [
        carry_out(
            draft, "admit_contributor", actor="operator", name=f"Person {n} of the Lanterns"
        ).id
        for n in range(PEOPLE)
    ]
    prolific, second = people[:2]
    hub = _piece(draft, "The lantern everybody took", [prolific])
    remixes = [_piece(draft, f"Lantern {n} upside down", [second], hub) for n in range(MANY)]
    works: list[str] = []
    for number in range(WORKS):
        title, maker = f"A study of paper lanterns, number {number}", people[number % PEOPLE]
        works.append(_piece(draft, title, [maker], *works[-8::7]))
    collage = _piece(draft, "A collage of all of them", people[:200], *works[:MANY])
    crowd = [
        _piece(draft, f"A crowd under lanterns, part {n}", people[n * 11 : n * 11 + 11])
        for n in range(39)
    ]
    parts = {"The long night": works[-20:], "The crowd": crowd}
    night, crowded = (
        carry_out(
            draft,
            "assemble_release",
            actor="operator",
            title=title,
            components=[{"work": work} for work in components],
        ).id
        for title, components in parts.items()
    )
    carry_out(draft, "publish_release", actor="operator", id=night)
    told.journal.commit(draft)
    draft = told.journal.draft(is_vouched_for=True)
    granted = [
        carry_out(
            draft,
            "open_credit",
            actor="operator",
            work=hub,
            contributor=one,
            role="editor",
            display=f"part {number}",
            evidence=LONG,
        ).id
        for number, one in enumerate([*people[2:], *[prolific] * 60])
    ]
    said = {"grounds": "wrong_role", "reason": LONG}
    for credit in granted[:100]:
        carry_out(draft, "dispute_credit", actor="operator", id=credit, **said)
    told.journal.commit(draft)
    edge = told.edge(collage, hub)
    for _ in range(20):
        told.tell("dispute_remix", id=edge, grounds="not_derived", reason=LONG)
        told.tell("settle_remix", id=edge, outcome="dismissed", reason=LONG)
    number = told.tell("state_identifier", work=hub, scheme="isrc", identifier="US-SKG-19-12345")
    told.tell("dispute_identifier", id=number.id, **said, evidence=LONG)
    told.tell("answer_identifier", id=number.id, reason=LONG, evidence=LONG, actor=prolific)
    member = told.tell("offer_membership", group=second, contributor=prolific).id
    told.tell("accept_membership", id=member, actor=prolific)
    told.tell("dispute_membership", id=member, **said, evidence=LONG)
    told.tell("answer_membership", id=member, reason=LONG, evidence=LONG, actor=prolific)
    episodes = [told.release(f"{number} {LONG[:480]}", works[0]) for number in range(PARTS)]
    series = told.release(LONG[:480], *episodes)
    money = earn(told, night, people, remixes)
    return {
        **money,
        **together(told, people, remixes),
        "/": ["/", f"/ as {prolific}"],
        "/desk": ["/desk"],
        "/desk/artist": [],
        "/search": ["/search", "/search?q=lantern", "/search?q=person", "/search?q=e&kind=people"],
        "/suggest": ["/suggest?q=lantern", "/suggest?q=person&kind=people"],
        "/docs": ["/docs", "/docs?q=e"],
        "/release/<id>": [
            f"/release/{night}",
            f"/release/{night}?as=published",
            f"/release/{crowded}",
            *(f"/release/{one}" for one in (series, episodes[0])),
        ],
        "/release/<id>/clearance": [f"/release/{one}/clearance" for one in (night, crowded)],
        "/piece/<id>": [f"/piece/{work}" for work in (hub, collage, works[-1], remixes[0])],
        "/list/<id>": [f"/list/{night}", f"/list/{collage}"],
        "/descendants/<id>": [f"/descendants/{one}" for one in (hub, works[0], night)],
        "/works/<id>/descendants.svg": [f"/works/{hub}/descendants.svg"],
        "/works/<id>/lineage.svg": [
            f"/works/{work}/lineage.svg" for work in (night, crowded, collage)
        ],
        "/contributor/<id>": [f"/contributor/{one}" for one in (prolific, second)],
        "/follows": ["/follows", f"/follows as {prolific}"],
        "/contributor/<id>/comments": [f"/contributor/{people[0]}/comments"],
        "/history/<id>": [
            *(f"/history/{one}" for one in (night, hub, prolific, second)),
            f"/history/{hub}?what=disputes",
        ],
        "/history/<id>/atom": [f"/history/{one}/atom" for one in (night, prolific)],
        "/credit/<id>": [f"/credit/{granted[0]}"],
        "/remix/<id>": [f"/remix/{edge}"],
        "/identifier/<id>": [f"/identifier/{number.id}"],
        "/membership/<id>": [f"/membership/{member}"],
        "/desk/moderator": ["/desk/moderator"],
        "/desk/auditor": ["/desk/auditor"],
        "/desk/producer": ["/desk/producer"],
        "/assemble": ["/assemble?" + "&".join(f"work={one}" for one in works[:60])],
        "/release/<id>/pool": [f"/release/{one}/pool?template=label" for one in (night, crowded)],
        "/post": [f"/post?source={hub}"],
        "/do": ["/do"],
        "/own-keys": ["/own-keys"],
        "/own-webhooks": ["/own-webhooks"],
        "/own-notifications": ["/own-notifications"],
        "/do/<name>": [f"/do/{name}" for name in COMMANDS],
        "/piece/<id>/sources": [f"/piece/{collage}/sources"],
        "/piece/<id>/cite": [f"/piece/{collage}/cite"],
        "/piece/<id>/credits": [f"/piece/{collage}/credits"],
        "/waiting": ["/waiting", f"/waiting as {prolific}", f"/waiting as {second}"],
        "/receipts/<int:position>": ["/receipts/1"],
        "/audit": ["/audit"],
        "/sign-in": ["/sign-in"],
        "/farewell": ["/farewell"],
    }


def together(told: Bank, people: list[str], remixes: list[str]) -> dict[str, list[str]]:
    """A project with many leaders, steps and pieces, and challenges with hundreds of answers."""
    draft, by = told.journal.draft(is_vouched_for=True), people[0]
    title = "Everything that paper can be " * 6
    project = carry_out(
        draft,
        "launch_project",
        actor=by,
        **{"title": title, "goal": LONG, "kind": "book", "leaders": people[1:60]},
        steps=[{"title": f"{title}{n}", "text": LONG[:400]} for n in range(20)],
    ).id
    for _ in range(8):
        carry_out(draft, "update_project", actor=by, id=project, text=LONG)
    said = {"title": title, "prompt": LONG, "project": project}
    asked = [carry_out(draft, "issue_challenge", actor=by, **said).id for _ in range(40)]
    for number, work in enumerate(remixes):
        step = part_id(project, "step", number % 20)
        carry_out(draft, "place_contribution", actor="operator", id=work, step=step)
        carry_out(draft, "answer_challenge", actor="operator", id=asked[0], work=work)
        answer = {"id": asked[0], "work": work, "reason": LONG}
        carry_out(draft, "feature_answer", actor=by, **answer)
    on = ({"project": project}, {"challenge": asked[0]}, {"work": remixes[0]})
    comments = [
        carry_out(draft, "post_comment", actor=people[n], text=f"@{by} {LONG}", **on[n % 3]).id
        for n in range(60)
    ]
    for on_what in [{"work": one} for one in remixes[:100]] + [{"contributor": people[1]}]:
        carry_out(draft, "follow_subject", actor=by, id=by, **on_what)
    for _ in range(20):
        carry_out(draft, "edit_comment", actor=people[0], id=comments[0], text=LONG)
    told.journal.commit(draft)
    return {
        "/project": ["/project", "/project?sort=pieces"],
        "/project/<id>": [f"/project/{project}", f"/project/{project} as {by}"],
        "/step/<id>": [],
        **{f"/mail/{does}/<token>": [] for does in ("confirm", "stop")},
        "/comment/<id>": [
            f"/comment/{comments[0]}",
            f"/comment/{comments[0]} as {people[0]}",
            f"/piece/{remixes[0]} as {by}",
        ],
        "/challenge": ["/challenge", "/challenge?sort=deadline&over=yes"],
        "/challenge/<id>": [
            f"/challenge/{asked[0]}",
            f"/challenge/{asked[0]}?show=featured as {by}",
            f"/challenge/{asked[1]} as {people[1]}",
        ],
    }


def earn(told: Bank, release: str, people: list[str], remixes: list[str]) -> dict[str, list[str]]:
    """A pool that hundreds share and talk about, and one that hundreds of sums came into."""
    assets = [
        asset(work, {people[0]: "1", people[2 + n]: "2"}, str(n + 1), ["act 1"])
        for n, work in enumerate(remixes[:100])
    ]
    assets.append(asset("faces", dict.fromkeys(people, "1"), "5"))
    pool = told.pool("The night", release=release)
    agreement = told.agree(pool, assets)
    draft = told.journal.draft(is_vouched_for=True)
    for one in people[:50]:
        carry_out(draft, "accept_share", actor=one, proposal=agreement)
    told.journal.commit(draft)
    told.earn(pool, 50_000_00)
    division = next(
        one.fact().originator_id for one in told.facts() if one.topic == "entry.divided"
    )
    proposal = told.propose(pool, assets)
    comments = [
        told.tell(
            "comment_on_proposal", proposal=proposal, kind="too_little", text=LONG, actor=one
        ).id
        for one in people[:60]
    ]
    told.tell(
        "revise_proposal", proposal=proposal, comments=comments[:20], note=LONG, assets=assets[:99]
    )
    small = told.pool("By the month", release=release)
    divided = told.agree(small, {people[0]: "2", people[1]: "1"})
    for month in range(MANY // 2):
        told.earn(small, 100_00 + month, source=f"shop {month}")
    batch = told.tell("issue_payouts", currency="USD", payees=people[:40]).id
    desk = "/desk/accountant"
    return {
        desk: [desk],
        f"{desk}/import": [f"{desk}/import"],
        f"{desk}/payout": [f"{desk}/payout", f"{desk}/payout?currency=USD"],
        f"{desk}/batches": [f"{desk}/batches"],
        f"{desk}/batch/<id>": [f"{desk}/batch/{batch}"],
        **{f"{desk}/{one}": [f"{desk}/{one}"] for one in ("bookings", "balances", "pools")},
        f"{desk}/reports": [f"{desk}/reports", f"{desk}/reports?year=2026"],
        "/pool/<id>": [f"/pool/{pool}", f"/pool/{small}"],
        "/pool/<id>/propose": [
            f"/pool/{pool}/propose?way={way}" for way in ("rates", "hand", "pieces")
        ],
        "/pool/<id>/amend": [f"/pool/{pool}/amend"],
        "/pools/<id>/split.svg": [f"/pools/{pool}/split.svg"],
        "/proposal/<id>": [
            f"/proposal/{agreement}",
            f"/proposal/{proposal}",
            f"/proposal/{proposal} as {people[0]}",
        ],
        "/proposal/<id>/revise": [f"/proposal/{proposal}/revise"],
        "/proposal/<id>/divide": [f"/proposal/{divided}/divide as {people[1]}"],
        "/statement/<uuid:id>/division": [f"/statement/{people[1]}/division as {people[1]}"],
        "/entry/<id>": [f"/entry/{division}"],
        "/entry/<id>/why": [f"/entry/{division}/why?payee={people[n]}" for n in (0, 400)],
        "/statement/<payee:payee>": [f"/statement/{people[0]}"],
    }


def _piece(draft: Draft, title: str, makers: list[str], *sources: str) -> str:
    return carry_out(
        draft,
        "submit_contribution",
        actor=makers[0],
        title=title,
        medium="image",
        authors=[{"contributor": maker, "role": "artist"} for maker in makers],
        sources=[{"work": work, "kind": "sample"} for work in sources],
    ).id


def test_every_page_has_its_place(community: Community) -> None:
    rules = community.client.application.url_map.iter_rules()
    pages = {one.rule for one in rules if is_page(one.endpoint) and "GET" in (one.methods or ())}
    assert pages == {*community.places, *NO_PAGES}


def test_a_stranger_gets_each_public_page_or_is_told_to_sign_in(community: Community) -> None:
    service = community.service
    app = create_app(service.journal, service.store, service.keys, service.log, public_pages=True)
    stranger = app.test_client()
    answers = {
        path: stranger.get(places[0].partition(" as ")[0]).status_code
        for path, places in community.places.items()
        if places
    }
    assert set(answers.values()) == {200, 401}, answers
    assert answers["/release/<id>/clearance"] == answers["/project/<id>"] == 200


def test_every_page_weighs_less_than_a_hundred_kilobytes(community: Community) -> None:
    """… but a section of the reference, which has every operation with all that it refuses."""
    weights = {
        place: community.weight(place) for places in community.places.values() for place in places
    }
    most = {place: MOST_BYTES + 20_000 * place.startswith("/docs/") for place in weights}
    assert {place: weights[place] for place in weights if weights[place] >= most[place]} == {}


@pytest.mark.parametrize("weight", [400, 700])
def test_the_font_of_the_pictures_is_small_and_kept(community: Community, weight: int) -> None:
    with community.client.get(f"/static/arimo-{weight}.woff2") as answer:
        assert answer.status_code == 200
        assert answer.content_type == "font/woff2"
        assert len(answer.data) < MOST_FONT_BYTES
        assert answer.cache_control.public
        assert (answer.cache_control.max_age or 0) >= 24 * 60 * 60
    assert community.client.get("/static/arimo-500.woff2").status_code == 404


def test_everybody_is_on_the_page_of_a_finished_work(community: Community) -> None:
    for place in community.places["/release/<id>"][:2]:
        assert community.get(place).text.count('<dd><a href="/contributor/') == PEOPLE


@pytest.mark.parametrize(
    "rule, what, row, count",
    [
        ("/pool/<id>", "lines", '<th scope="row"><a href="/contributor/([^"]+)', PEOPLE),
        ("/entry/<id>", "lines", '<li><span><a href="/contributor/([^"]+)', PEOPLE),
        ("/proposal/<id>", "shares", '<li><span><a href="/contributor/([^"]+)', PEOPLE),
        ("/piece/<id>", "credits", 'class="more" href="/credit/([^"]+)', PEOPLE + 59),
    ],
)
def test_a_long_list_goes_on_in_parts_and_misses_nobody(
    community: Community, rule: str, what: str, row: str, count: int
) -> None:
    parts = list(community.parts(community.places[rule][0], what))
    assert len(parts) > 2
    assert len({one for text in parts for one in re.findall(row, text)}) == count
    assert "First page" in parts[-1]


def test_a_long_reason_is_told_whole_where_the_edge_is(community: Community) -> None:
    (edge,) = community.places["/remix/<id>"]
    assert LONG.strip() in community.get(edge).text
    told = community.get(community.places["/history/<id>"][-1]).text
    assert LONG.strip() not in told
    assert LONG[:200] in told
    assert "Read on" in told
