"""What a producer does on the pages: assembling, opening a pool, proposing shares, and the desk.

Rule: the pages are asked as a browser without a script asks them; stories in a real one are apart.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from typing import Any

import pytest
from clocks import AheadClock
from flask import Flask
from serving import OPERATOR_KEY, Served, serving
from test_pages import Page, Reader, reader, signed_in

from api.web.choosing import Names
from api.web.terms import TEMPLATES, made_by

CLOCK = AheadClock()


@dataclass
class Scene:
    """A release of Ana's that Ben has a part in, and the window of Ana."""

    served: Served
    ana: str
    ben: str
    pieces: list[str]
    release: str
    window: Reader

    def send(self, path: str, fields: dict[str, Any] | list[tuple[str, str]]) -> Page:
        """Send a form with the token of the session."""
        given = list(fields.items()) if isinstance(fields, dict) else fields
        return self.window.post(path, [("form_token", self.window.get("/post").token), *given])

    @property
    def head(self) -> int:
        return self.served.head

    def pool(self, name: str, **terms: Any) -> str:
        said = {"name": name, "kind": "song", "currency": "EUR"}
        terms = terms or {"type": "agreed"}
        made = self.served.acting(self.ana).post(
            f"/releases/{self.release}/pools", {**said, "terms": terms}
        )
        return made.id


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with serving(
        f"sqlite:///{tmp_path_factory.mktemp('producer') / 'stemma.db'}", clock=CLOCK
    ) as served:
        ana, ben = served.admit("Ana"), served.admit("Ben")
        pieces = [served.post_piece(f"piece of {one}", by=one) for one in (ana, ben)]
        parts = [{"work": pieces[0], "rate": "1/2"}, {"work": pieces[1], "rate": "1/4"}]
        made = served.acting(ana).post("/releases", title="An album", components=parts)
        yield Scene(served, ana, ben, pieces, made.id, signed_in(served, ana))


def rows(page: Page) -> dict[str, list[str]]:
    """The rows of the preview: whose, and the cells."""
    found = re.findall(r"<tr><th scope=\"row\">(.*?)</th>(.*?)</tr>", page.text, re.DOTALL)
    plain = [(re.sub(r"<[^>]+>", "", name).strip(), cells) for name, cells in found]
    return {name: re.findall(r"<td[^>]*>([^<]*)", cells) for name, cells in plain}


def terms_of(page: Page) -> str:
    """What the page of a pool says of its terms."""
    pattern = r'<h2 id="terms">Terms</h2>(.*?)</section>'
    (shown,) = re.findall(pattern, page.text, re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", shown)).split())


# -- opening a pool ------------------------------------------------------------------------------

FILLED = {
    "agreed": ({}, {"those who agree": "1,000.00 EUR"}),
    "equal": (
        {"payees": "Ana\nBen\nSkerry Records\noperator"},
        dict.fromkeys(("Ana", "Ben", "Skerry Records", "operator"), "250.00 EUR"),
    ),
    "house": (
        {"house": "operator", "part": "50 %"},
        {"operator": "500.00 EUR", "those who agree": "500.00 EUR"},
    ),
    "costs": (
        {"backer": "Ben", "budget": "600"},
        {"Ben": "600.00 EUR", "those who agree": "400.00 EUR"},
    ),
    "advance": (
        {"artist": "Ana", "label": "Skerry Records", "advance": "300.00", "artists": "50 %"},
        {"Skerry Records": "800.00 EUR", "Ana": "200.00 EUR"},
    ),
    "label": (
        {"label": "Skerry Records", "artists": "20 %", "limit": "500.00", "later": "50 %"},
        {"Skerry Records": "650.00 EUR", "those who agree": "350.00 EUR"},
    ),
    "distributor": (
        {"distributor": "Skerry Records", "fee": "15 %"},
        {"Skerry Records": "150.00 EUR", "those who agree": "850.00 EUR"},
    ),
}
"""Each template as it may be filled in, and what it gives of 1,000.00."""


def filled(template: str, name: str) -> dict[str, str]:
    blanks = {f"blank-{blank}": text for blank, text in FILLED[template][0].items()}
    return {"name": name, "kind": "song", "currency": "EUR", "template": template, **blanks}


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_shows_what_it_gives_and_opens_a_pool_by_these_terms(
    scene: Scene, template: str
) -> None:
    path, said, head = f"/release/{scene.release}/pool", filled(template, template), scene.head
    page = scene.send(path, {**said, "do": "preview"})
    assert page.status == 200, page.text_seen
    assert scene.head == head
    given = {name: cells[0] for name, cells in rows(page).items()}
    assert given.pop("All of it") == "1,000.00 EUR"
    assert given == FILLED[template][1]
    assert TEMPLATES[template].says in unescape(page.text_seen)
    assert f'href="/do/pool?release={scene.release}">Write the terms by hand' in page.text
    seen = re.findall(r'name="seen" value="(\w+)"', page.text)[0]
    opened = scene.send(path, {**said, "do": "record", "seen": seen})
    assert opened.status == 303
    pool = opened.headers["Location"].partition("?")[0].removeprefix("/pool/")
    told = scene.served.operator.get(f"/pools/{pool}").json
    assert told["currency"] == "EUR"
    assert ("agreed" in str(told["terms"])) == (template != "equal")
    shown = terms_of(scene.window.get(f"/pool/{pool}"))
    assert f"{TEMPLATES[template].label}. {TEMPLATES[template].says}" in shown
    for text in FILLED[template][0].values():
        assert text.replace("\n", ", ") in shown
    # The form that amends it is filled with the terms in force.
    path, page = f"/pool/{pool}/amend", scene.window.get(f"/pool/{pool}/amend")
    assert made_by(told["terms"]) is not None
    assert f'value="{template}" checked' in page.text
    blanks = {
        f"blank-{name}": unescape(text)
        for name, text in re.findall(r'id="blank-(\w+)" name="[^"]*" value="([^"]*)"', page.text)
    } | {
        f"blank-{name}": unescape(text)
        for name, text in re.findall(r'id="blank-(\w+)"[^>]*>([^<]*)</textarea>', page.text)
    }
    assert len(blanks) == len(FILLED[template][0])
    kept = {"template": template, **blanks, "effective_at": "2030", "reason": "As before."}
    page = scene.send(path, {**kept, "do": "preview"})
    assert page.status == 200, page.text_seen
    assert {name: cells[1] for name, cells in rows(page).items()} == {
        **FILLED[template][1],
        "All of it": "1,000.00 EUR",
    }


def test_an_amendment_shows_what_changes_from_when_and_is_recorded_as_shown(scene: Scene) -> None:
    pool = scene.pool("amended", type="fixed", shares=[["house", "1"]])
    path, head = f"/pool/{pool}/amend", scene.head
    page = scene.window.get(path)
    assert "written by hand" in page.text_seen
    assert f'href="/pool/{pool}/amend"' in scene.window.get(f"/pool/{pool}").text
    said = {"template": "house", "blank-house": "house", "blank-part": "40 %"}
    page = scene.send(path, {**said, "do": "preview"})
    assert page.status == 422
    for field in ("effective_at", "reason"):
        assert f'<a href="#{field}">' in page.text
    said |= {"effective_at": "2030-02", "reason": "A new contract."}
    page = scene.send(path, {**said, "do": "preview"})
    assert "What changes from 2030-02" in page.text_seen
    assert rows(page)["house"] == ["1,000.00 EUR", "400.00 EUR"]
    assert rows(page)["those who agree"] == ["0.00 EUR", "600.00 EUR"]
    seen = re.findall(r'name="seen" value="(\w+)"', page.text)[0]
    other = {**said, "blank-part": "50 %", "do": "record", "seen": seen}
    assert (scene.send(path, other).status, scene.head) == (200, head)
    assert scene.send(path, {**said, "do": "record", "seen": seen}).status == 303
    told = scene.served.operator.get(f"/pools/{pool}").json
    assert told["amendments"][1]["terms"]["shares"][0] == ["house", "2/5"]
    shown = terms_of(scene.window.get(f"/pool/{pool}"))
    latest, first = shown.split("The first terms")
    assert latest.startswith("Amended: A new contract. For what is earned from 2030-02-01")
    assert "Its part 40 %" in latest
    assert first.strip() == 'Terms written by hand: {"type": "fixed", "shares": [["house", "1"]]}'
    ben = signed_in(scene.served, scene.ben)
    said |= {"do": "preview", "form_token": ben.get("/post").token}
    assert ben.post(path, said).status == 403


def test_terms_that_no_preview_has_shown_are_shown_first(scene: Scene) -> None:
    path, said, head = f"/release/{scene.release}/pool", filled("house", "unseen"), scene.head
    page = scene.send(path, {**said, "do": "preview"})
    seen = re.findall(r'name="seen" value="(\w+)"', page.text)[0]
    said["blank-part"] = "60 %"
    page = scene.send(path, {**said, "do": "record", "seen": seen})
    assert (page.status, scene.head) == (200, head)
    assert rows(page)["operator"] == ["600.00 EUR"]


def test_all_that_is_wrong_with_a_pool_is_said_at_once(scene: Scene) -> None:
    said = filled("label", "") | {"currency": "Euro", "blank-artists": "200 %", "blank-limit": "x"}
    page = scene.send(f"/release/{scene.release}/pool", {**said, "do": "preview"})
    assert page.status == 422
    for field in ("name", "currency", "blank-artists", "blank-limit"):
        assert f'<a href="#{field}">' in page.text
        assert re.search(rf'id="{field}"[^>]*aria-invalid="true"', page.text)
    unread = filled("agreed", "agreed") | {"of": "a lot", "do": "preview"}
    page = scene.send(f"/release/{scene.release}/pool", unread)
    assert re.search('id="of"[^>]*aria-invalid="true"', page.text)
    assert re.search(r'id="preview"[^>]*>\s*<p class="wrong">An amount to preview', page.text)


def test_whoever_may_not_open_a_pool_is_told_so(scene: Scene) -> None:
    ben = signed_in(scene.served, scene.ben)
    said = {**filled("agreed", "mine"), "do": "preview", "form_token": ben.get("/post").token}
    page = ben.post(f"/release/{scene.release}/pool", said)
    assert page.status == 403
    assert "/pool" not in re.findall(
        r'href="/release/[^"]*"', ben.get(f"/release/{scene.release}").text
    )
    assert (
        f'href="/release/{scene.release}/pool"'
        in scene.window.get(f"/release/{scene.release}").text
    )


# -- assembling ----------------------------------------------------------------------------------


def order(page: Page) -> list[str]:
    """The components in a form, in their order."""
    return re.findall(r'<input type="hidden" name="work" value="([^"]*)"', page.text)


def test_components_are_ordered_by_buttons_and_recorded_in_that_order(scene: Scene) -> None:
    first, second = scene.pieces
    said = [("title", "In order"), ("work", first), ("rate", "20 %"), ("work", second)]
    said += [("rate", ""), ("work", first), ("rate", "")]
    page = scene.send("/assemble", [*said, ("up", "1")])
    assert order(page) == [second, first, first]
    page = scene.send("/assemble", [*said, ("down", "0")])
    assert order(page) == [second, first, first]
    assert order(scene.send("/assemble", [*said, ("drop", "1")])) == [first, first]
    assert order(scene.send("/assemble", [*said, ("up", "0")])) == [first, second, first]
    assert order(scene.send("/assemble", [*said, ("down", "99")])) == [first, second, first]
    assert order(scene.send("/assemble", [*said, ("add_source", second)]))[-1] == second
    head = scene.head
    page = scene.send("/assemble", [*said, ("do", "preview")])
    assert "20 %" in page.text_seen
    assert scene.head == head
    numbered = ("identifiers", "upc 0036000291452")
    made = scene.send("/assemble", [*said, numbered, ("part", "episode"), ("do", "record")])
    assert made.status == 303
    id = made.headers["Location"].partition("?")[0].removeprefix("/release/")
    assert "036000291452" in scene.window.get(f"/release/{id}").text_seen
    page = scene.send("/assemble", [*said, ("identifiers", "upc 1, ean"), ("do", "preview")])
    assert re.search(r'id="identifiers"[^>]*aria-invalid="true"', page.text)
    told = scene.served.operator.get(f"/works/{id}").json
    assert told["part"] == "episode"
    assert [(one["work"]["id"], one["rate"], one["places"]) for one in told["sources"]] == [
        (first, "1/5", [1, 3]),
        (second, None, [2]),
    ]


def test_all_that_is_wrong_with_a_release_is_said_at_once(scene: Scene) -> None:
    said = [("work", scene.pieces[0]), ("rate", "much"), ("made_at", "soon"), ("part", "verse")]
    page = scene.send("/assemble", [*said, ("do", "preview")])
    assert page.status == 422
    for field in ("title", "part", "made_at", "rate-0"):
        assert f'<a href="#{field}">' in page.text, field
        assert re.search(rf'id="{field}"[^>]*aria-invalid="true"', page.text), field
    page = scene.send("/assemble", [("do", "preview")])
    for field in ("title", "find-works"):
        assert f'<a href="#{field}">' in page.text, field
        assert re.search(rf'id="{field}"[^>]*aria-invalid="true"', page.text), field


def test_more_than_the_whole_is_shown_and_refused(scene: Scene) -> None:
    said = [("title", "Too much")]
    said += [pair for one in scene.pieces for pair in (("work", one), ("rate", "3/5"))]
    page = scene.send("/assemble", [*said, ("do", "preview")])
    assert page.status == 422
    assert "cap_exceeded" in page.text
    assert "120 %" in page.text_seen


# -- proposing -----------------------------------------------------------------------------------


def test_a_proposal_is_seen_before_it_is_recorded_and_as_it_was_seen(scene: Scene) -> None:
    pool = scene.pool("seen")
    path, head = f"/pool/{pool}/propose", scene.head
    said = [("way", "rates"), ("comment_days", "20"), ("note", "As we said.")]
    page = scene.send(path, [*said, ("do", "preview")])
    assert (page.status, scene.head) == (200, head)
    shown = rows(page)
    assert shown["Ana"] == ["50 %", "500.00 EUR"]
    assert shown["Ben"] == ["25 %", "250.00 EUR"]
    assert shown["All of it"] == ["100 %", "1,000.00 EUR"]
    seen = re.findall(r'name="seen" value="(\w+)"', page.text)[0]
    other = [("way", "equal"), ("comment_days", "20"), ("do", "record"), ("seen", seen)]
    assert rows(scene.send(path, other))["Ana"] == ["50 %", "500.00 EUR"]
    assert scene.head == head
    made = scene.send(path, [*said, ("do", "record"), ("seen", seen)])
    assert made.status == 303
    id = made.headers["Location"].partition("?")[0].removeprefix("/proposal/")
    told = scene.served.operator.get(f"/proposals/{id}").json
    assert told["policy"] == {"type": "relative_cascade"}
    assert told["revisions"][0]["note"] == "As we said."


def test_shares_by_hand_have_a_running_total_and_say_who_is_missing(scene: Scene) -> None:
    path = f"/pool/{scene.pool('by hand')}/propose"
    said = [("way", "hand"), ("payee", scene.ana), ("share", "20 %")]
    said += [("payee", "Skerry Records"), ("share", "1/5"), ("payee", ""), ("share", "7")]
    page = scene.send(path, [*said, ("do", "preview")])
    assert "Sum of the shares so far: 2/5" in page.text_seen
    assert rows(page) == {
        "Ana": ["50 %", "500.00 EUR"],
        "Skerry Records": ["50 %", "500.00 EUR"],
        "All of it": ["100 %", "1,000.00 EUR"],
    }
    missing = page.text[page.text.index("but without a share") :]
    assert "<bdi>Ben</bdi>" in missing
    assert "<bdi>Ana</bdi>" not in missing


def test_a_currency_is_taken_in_small_letters_and_refused_with_all_else(scene: Scene) -> None:
    path, said = f"/release/{scene.release}/pool", {"name": "sold", "do": "preview"}
    page = scene.send(path, {**said, "currency": "eur", "template": "agreed"})
    assert rows(page)["All of it"] == ["1,000.00 EUR"]
    page = scene.send(path, {**said, "currency": "euros", "template": "equal"})
    assert page.status == 422
    for wrong in ("such as EUR", "Who shares it: This is required."):
        assert wrong in page.text_seen


def test_a_withdrawn_proposal_promises_nobody_a_share(scene: Scene) -> None:
    ana = scene.served.acting(scene.ana)
    assets = [{"asset": "all", "value": "1", "shares": [[scene.ana, "1"]]}]
    id = ana.post(f"/pools/{scene.pool('withdrawn')}/proposals", assets=assets).id
    assert "You can accept it when" in scene.window.get(f"/proposal/{id}").text_seen
    ana.post(f"/proposals/{id}/withdraw", reason="Mistyped.")
    page = scene.window.get(f"/proposal/{id}")
    assert "Your share was to be: 100 %" in page.text_seen
    assert "Mistyped." in page.text_seen
    assert "You can accept" not in page.text_seen


def test_shares_that_cannot_be_divided_are_refused_in_the_words_of_the_form(scene: Scene) -> None:
    path = f"/pool/{scene.pool('refused')}/propose"

    def refused(*said: tuple[str, str]) -> Page:
        page = scene.send(path, [*said, ("do", "preview")])
        assert page.status == 422
        assert "policy.assets" not in page.text
        return page

    ana, ben = (("payee", scene.ana), ("payee", scene.ben))
    assert "Give someone a share of the release." in refused(("way", "hand")).text_seen
    mixed = refused(("way", "hand"), ana, ("share", "50 %"), ben, ("share", "30"))
    assert "“50 %” is a percentage and “30” is not" in mixed.text_seen
    twice = refused(("way", "hand"), ana, ("share", "1"), ben, ("share", "1"), ana, ("share", "2"))
    assert "Ana is listed twice: give them one share." in twice.text_seen
    unread = refused(("way", "hand"), ana, ("share", "half"), ben, ("share", "30"))
    assert "Ana: “half” is not a share" in unread.text_seen
    assert 'value="half"' in unread.text
    for place, page in (
        (0, unread),
        (1, refused(("way", "hand"), ana, ("share", "1"), ben, ("share", "a lot"))),
    ):
        assert f'<a href="#share-{place}">' in page.text
        (field,) = re.findall(rf'<input id="share-{place}"[^>]*>', page.text)
        assert f'aria-invalid="true" aria-describedby="wrong-share-{place} share-help"' in field
        assert f'<p class="wrong" id="wrong-share-{place}">' in page.text
    assert "Give at least one piece a value." in refused(("way", "pieces")).text_seen


def test_shares_that_are_all_percentages_are_summed_as_such(scene: Scene) -> None:
    path = f"/pool/{scene.pool('percentages')}/propose"
    said = [("way", "hand"), ("payee", scene.ana), ("share", "50 %")]
    said += [("payee", scene.ben), ("share", "30%")]
    page = scene.send(path, [*said, ("do", "preview")])
    assert "Sum of the shares so far: 80 %" in page.text_seen


def test_a_work_that_nobody_is_credited_on_shares_by_its_title(scene: Scene) -> None:
    path = f"/pool/{scene.pool('near')}/propose"
    page = scene.send(path, [("way", "near"), ("do", "preview")])
    assert "work/" not in page.text_seen
    assert rows(page)["the makers of An album, on which nobody is credited yet"][0] == "80 %"


def test_pieces_have_values_and_those_who_hold_them_shares(scene: Scene) -> None:
    path = f"/pool/{scene.pool('by piece')}/propose"
    page = scene.send(path, {"way": "pieces", "do": "choose"})
    first, second = scene.pieces
    assert re.findall(r'name="piece" value="([^"]*)"', page.text) == [first, second]
    assert re.findall(r'name="holder" value="([^"]*)"', page.text) == [scene.ana, scene.ben]
    said = [("way", "pieces"), ("piece", first), ("value", "3"), ("piece", second), ("value", "1")]
    for piece, who, share in (
        *((first, scene.ana, "1"), (first, "Skerry Records", "2"), (second, scene.ben, "50 %")),
        (second, "", ""),
    ):
        said += [("of", piece), ("holder", who), ("held", share)]
    page = scene.send(path, [*said, ("do", "preview")])
    assert "Sum of the values so far: 4" in page.text_seen
    assert {name: cells[0] for name, cells in rows(page).items()} == {
        **{"Skerry Records": "50 %", "Ana": "25 %", "Ben": "25 %"},
        "All of it": "100 %",
    }
    seen = re.findall(r'name="seen" value="(\w+)"', page.text)[0]
    made = scene.send(path, [*said, ("do", "record"), ("seen", seen)])
    id = made.headers["Location"].partition("?")[0].removeprefix("/proposal/")
    told = scene.served.operator.get(f"/proposals/{id}").json
    assert [(one["asset"], one["value"]) for one in told["assets"]] == [(first, "3"), (second, "1")]


def test_all_that_is_wrong_with_a_proposal_is_said_at_once(scene: Scene) -> None:
    path = f"/pool/{scene.pool('wrong')}/propose"
    said = {"way": "rates", "default_rate": "2", "comment_days": "many", "do": "preview"}
    page = scene.send(path, said)
    assert page.status == 422
    for field in ("default_rate", "comment_days"):
        assert f'<a href="#{field}">' in page.text, field


def test_a_rate_that_is_missing_is_asked_for_by_title_where_it_can_be_given(scene: Scene) -> None:
    loose = scene.served.acting(scene.ana).post(
        "/releases", title="An EP", components=[{"work": scene.pieces[0]}]
    )
    pool = scene.served.operator.post(
        f"/releases/{loose.id}/pools",
        {"name": "EP", "kind": "song", "currency": "EUR", "terms": {"type": "agreed"}},
    ).id
    page = scene.send(f"/pool/{pool}/propose", {"way": "rates", "do": "preview"})
    assert '<a href="#default_rate">Rate where none is stated: ' in page.text
    assert f"no rate is stated for “piece of {scene.ana}” as a source of “An EP”" in page.text_seen
    assert loose.id not in page.text_seen
    assert scene.send(f"/pool/{pool}/propose", {"default_rate": "1", "do": "preview"}).status == 200


# -- the desk ------------------------------------------------------------------------------------


def test_the_desk_leads_from_each_step_to_the_next(scene: Scene) -> None:
    served, act = scene.served, scene.served.acting(scene.ana)
    parts = [{"work": piece} for piece in scene.pieces]
    release = act.post("/releases", title="Next", components=parts).id

    def desk() -> str:
        page = scene.window.get("/desk/producer")
        assert page.status == 200
        mine = page.text.partition(f'<section aria-labelledby="release-{release}">')[2]
        return mine.partition("</section>")[0]

    assert f'href="/release/{release}/clearance"' in desk()
    assert "not published yet" in desk()
    act.post(f"/releases/{release}/publish", {})
    assert f'href="/release/{release}/pool"' in desk()
    said = {"name": "sold", "kind": "song", "currency": "EUR", "terms": {"type": "agreed"}}
    pool = act.post(f"/releases/{release}/pools", said).id
    assert f'href="/pool/{pool}/propose"' in desk()
    shares = [[scene.ana, "1"], [scene.ben, "1"]]
    assets = [{"asset": "all of it", "value": "1", "shares": shares}]
    proposal = act.post(f"/pools/{pool}/proposals", assets=assets).id
    assert "open for comments until" in desk()
    served.acting(scene.ben).post(f"/proposals/{proposal}/comments", kind="other", text="Hm.")
    assert f'href="/proposal/{proposal}#comments"' in desk()
    comment = served.operator.get(f"/proposals/{proposal}").json["comments"][0]["id"]
    act.post(f"/proposals/{proposal}/answer", comment=comment, text="So.")
    CLOCK.ahead += CLOCK.WINDOW
    assert f'href="/proposal/{proposal}#close"' in desk()
    act.post(f"/proposals/{proposal}/finalise", {})
    assert "missing: Ana, Ben" in desk()
    act.post(f"/proposals/{proposal}/share/accept", {})
    assert "missing: Ben" in desk()
    served.acting(scene.ben).post(f"/proposals/{proposal}/share/decline", reason="No.")
    assert "declined by Ben" in desk()
    assert f'href="/pool/{pool}/propose"' in desk()


def test_a_desk_has_ones_own_releases_those_one_produces_and_the_operators_all(
    scene: Scene,
) -> None:
    served = scene.served
    cleo = served.admit("Cleo")
    window = signed_in(served, cleo)
    assert "You have no release yet" in window.get("/desk/producer").text
    grant = {"role": "producer", "work": scene.release}
    assert served.operator.post(f"/contributors/{cleo}/grant-role", grant).status < 300
    assert "An album" in window.get("/desk/producer").text
    for each in (scene.window, reader(served).sign_in(OPERATOR_KEY)):
        assert "An album" in each.get("/desk/producer").text


def test_a_revision_by_form_keeps_through_which_group_a_part_came(scene: Scene) -> None:
    served, pool = scene.served, scene.pool("with a group")
    band, eva = served.admit("The Tides"), served.admit("Eva")
    among = [{"contributor": scene.ben, "part": "1"}]
    served.acting(band).post(f"/contributors/{band}/divide", among=among)
    assets = [{"asset": scene.pieces[0], "value": "1", "shares": [[band, "1"], [scene.ana, "1"]]}]
    ana = served.acting(scene.ana)
    proposal = ana.post(f"/pools/{pool}/proposals", assets=assets).id
    through = ana.get(f"/proposals/{proposal}").json["assets"][0]["through"]
    assert through == [{"group": band, "shares": [[scene.ben, "1"]]}]
    said = {"kind": "too_little", "text": "I played as well."}
    comment = served.acting(scene.ben).post(f"/proposals/{proposal}/comments", **said).id
    path = f"/proposal/{proposal}/revise"
    assert "all of it through The Tides" in scene.window.get(path).text_seen
    form = [("comments", comment), ("asset", scene.pieces[0]), ("value", "1"), ("within", "")]
    for payee, share in ((scene.ben, "2"), (scene.ana, "1"), (eva, "1")):
        form += [("of", "0"), ("payee", payee), ("share", share)]
    assert scene.send(path, [*form, ("seen", "1"), ("do", "record")]).status == 303
    (now,) = ana.get(f"/proposals/{proposal}").json["assets"]
    assert now["through"] == through
    assert [scene.ben, "2"] in now["shares"]
    page = scene.window.get(f"/proposal/{proposal}").text_seen
    assert "by a revision" in page
    assert "erased" not in page


def test_a_group_says_on_a_page_how_its_shares_are_divided(scene: Scene) -> None:
    served = scene.served
    band = served.admit("The Rocks")
    member = served.acting(band).post("/memberships", group=band, contributor=scene.ben).id
    served.acting(scene.ben).post(f"/memberships/{member}/accept")
    window, path = signed_in(served, band), f"/statement/{band}/division"
    said = {"payee": scene.ben, "part": "25 %", "form_token": window.get(path).token}
    wrong = window.post(path, said | {"part": "125 %"})
    assert wrong.status == 422
    assert '<a href="#part-0">Ben: “125 %” is not a rate' in wrong.text
    assert 'aria-invalid="true" aria-describedby="wrong-part-0 part-help"' in wrong.text
    assert 'value="125 %"' in wrong.text
    cy = served.admit("Cy")
    member = served.acting(band).post("/memberships", group=band, contributor=cy).id
    served.acting(cy).post(f"/memberships/{member}/accept")
    both = [*((name, said[name]) for name in ("form_token", "payee")), ("part", "70 %")]
    much = window.post(path, [*both, ("payee", cy), ("part", "50 %")])
    assert much.status == 422
    told = "The parts: together they are 120 % of the group's share, more than all of it."
    assert f'<a href="#among">{told}</a>' in unescape(much.text)
    shown = window.post(path, said)
    assert rows(shown) == {"Ben": ["25 %"], "The group's account": ["75 %"]}
    (seen,) = re.findall('name="seen" value="([^"]+)"', shown.text)
    assert window.post(path, said | {"do": "record", "seen": "another"}).status == 200
    assert window.post(path, said | {"do": "record", "seen": seen}).status == 303
    assert "Ben has 25 % of each share of the group; 75 % stays with its account" in " ".join(
        window.get(f"/contributor/{band}").text_seen.split()
    )
    assert 'value="25 %"' in window.get(path).text
    assert scene.window.get(path).status == 403
    assert "of each share" not in scene.window.get(f"/contributor/{band}").text_seen


def test_a_name_is_meant_in_any_case_and_form_of_unicode() -> None:
    names = Names({"1": "Ána", "2": "Ben", "3": "ben", "4": None}, {"ana"})
    meant = ["Ána", "A\u0301na", "ána ", "ana", "Ben", "ben", "BEN", "The label", "La\u0301bel"]
    with Flask("a form").test_request_context():
        found = [*map(names.meant, meant)]
    assert found == ["1", "1", "1", "ana", "2", "3", "BEN", "The label", "L\u00e1bel"]


def test_the_page_of_a_release_leads_to_what_corrects_it_for_its_producer_only(
    scene: Scene,
) -> None:
    page = f"/release/{scene.release}"
    corrects = {"release.withdraw", "work.describe", "work.redate"}

    def offered(window: Reader) -> set[str]:
        return set(re.findall(r'href="/do/([\w.-]+)\?', window.get(page).text))

    assert corrects <= offered(scene.window)
    assert offered(signed_in(scene.served, scene.ben)).isdisjoint(corrects)


def test_a_statement_leads_to_the_agreement_of_a_share_that_was_not_accepted(
    scene: Scene,
) -> None:
    operator, pool = scene.served.operator, scene.pool("the declined")
    shares = [[scene.ben, "1/2"], [scene.ana, "1/2"]]
    assets = [{"asset": scene.release, "value": "1", "shares": shares}]
    said = {"assets": assets, "agreed_on": "2025", "document": "sheet", "effective_at": "2025"}
    deal = operator.post(f"/pools/{pool}/agreements", said).id
    scene.served.acting(scene.ben).post(f"/proposals/{deal}/share/decline", {})
    said = {"amount_minor": 1000, "source": "store", "effective_at": "2025-06"}
    assert operator.post(f"/pools/{pool}/revenue", said).status == 201
    ben = signed_in(scene.served, scene.ben).get(f"/statement/{scene.ben}")
    assert "the share was declined" in ben.text_seen
    assert f'href="/proposal/{deal}"' in ben.text
    books = reader(scene.served).sign_in(OPERATOR_KEY).get(f"/statement/{scene.ben}")
    assert f'href="/proposal/{deal}"' not in books.text


@pytest.mark.parametrize("way", ["equal", "hand"])
def test_shares_are_proposed_to_who_hid_their_name_and_the_form_does_not_tell_it(
    scene: Scene, way: str
) -> None:
    """The form has the id of the credit, and what is recorded that of the person."""
    served = scene.served
    eve, song = served.admit("Eve Veil"), served.acting(scene.ana).post
    piece = song("/contributions", title="A veil", medium="text").id
    other = song("/contributions", title="A second veil", medium="text").id
    for work in (other, piece):
        credit = song("/credits", work=work, contributor=eve, role="singer").id
        served.acting(eve).post(f"/credits/{credit}/accept")
        served.acting(eve).post(f"/credits/{credit}/hide")
    parts = [{"work": piece}, {"work": other}]
    release = song("/releases", title="Veiled", components=parts).id
    said = {"name": "veiled", "kind": "song", "currency": "EUR", "terms": {"type": "agreed"}}
    pool = song(f"/releases/{release}/pools", said).id
    path = f"/pool/{pool}/propose"
    form = scene.send(path, {"way": "hand"}).text
    (credit,) = {*re.findall(r'name="payee" value="([\w-]+)"', form)} - {scene.ana}
    by_hand = [("payee", credit), ("share", "1"), ("payee", scene.ana), ("share", "1")]
    fields = [("way", way), ("comment_days", "14"), *(by_hand if way == "hand" else [])]
    preview = scene.send(path, [*fields, ("do", "preview")])
    assert preview.status == 200
    assert "someone who is not named" in preview.text_seen
    assert eve not in preview.text
    (seen,) = re.findall(r'name="seen" value="(\w+)"', preview.text)
    (id,) = re.findall(r'name="id" value="([\w-]+)"', preview.text)
    sent = scene.send(path, [*fields, ("id", id), ("seen", seen), ("do", "record")])
    assert sent.status == 303, sent.text_seen
    shares = served.operator.get(f"/proposals/{id}").json["shares"]
    halves = {eve: "1"} if way == "equal" else {eve: "1/2", scene.ana: "1/2"}
    assert {one["payee"]["id"]: one["share"] for one in shares} == halves
