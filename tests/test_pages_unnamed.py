"""Pages about what has no name of its own: the forgotten, withdrawn pieces, and who only paid once.

Rule: they are named in words; neither an id nor “None” stands for a name.
"""

import re
from html import unescape
from urllib.parse import quote

import pytest
from serving import OPERATOR_KEY, Served, serving
from stories import every_fact, id_of
from test_pages import Page, reader, signed_in

ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NOBODY = re.compile(r"\bNone\b(?! yet|\.)")


def shown(page: Page) -> str:
    """What is read on a page, its title among it."""
    assert page.status == 200, page.text
    return unescape(page.text_seen)


@pytest.mark.after(told=every_fact)
def test_who_is_forgotten_is_someone_on_every_page_of_those_who_still_see_them(
    database: str,
) -> None:
    with serving(database) as served:
        ana, dee, song = id_of("text-name-ana"), id_of("text-name-dee"), id_of("song")
        role = {"role": "producer", "work": song}
        served.operator.post(f"/contributors/{dee}/grant-role", **role)
        for person in (ana, dee):
            served.operator.post(f"/contributors/{person}/forget", ground="request")
        operator = reader(served).sign_in(OPERATOR_KEY)
        for path in (
            *("/desk/moderator", "/desk/accountant/balances", "/desk/accountant/reports"),
            *(f"/statement/{ana}", f"/release/{id_of('release')}/clearance"),
        ):
            text = shown(operator.get(path))
            assert not NOBODY.search(text), path
        assert "Statement of someone who is not named" in shown(operator.get(f"/statement/{ana}"))


def test_what_the_forgotten_earned_is_told_without_their_id(served: Served) -> None:
    ana, post = served.admit("Ana"), served.operator.post
    song = served.post_piece("A song", by=ana)
    release = post("/releases", title="All", components=[{"work": song}]).id
    said = {"name": "song", "kind": "song", "currency": "EUR", "terms": {"type": "agreed"}}
    pool = post(f"/releases/{release}/pools", said).id
    assets = [{"asset": song, "value": "1", "shares": [[ana, "1"]]}]
    signed = {"agreed_on": "2026-01", "document": "a sheet", "consents": [ana]}
    post(f"/pools/{pool}/agreements", assets=assets, **signed)
    sold = {"source": "shop", "effective_at": "2026-06", "amount_minor": 1000}
    revenue = post(f"/pools/{pool}/revenue", sold).id
    entry = served.operator.get(f"/revenue/{revenue}").json["division"]
    batch = post("/payout-batches", currency="EUR", minimum_minor=1).id
    proposal = post(f"/pools/{pool}/proposals", assets=assets).id
    comment = {"kind": "too_little", "text": "I sang, too."}
    served.acting(ana).post(f"/proposals/{proposal}/comments", comment)
    post(f"/contributors/{ana}/forget", ground="request")
    operator = reader(served).sign_in(OPERATOR_KEY)
    for path, said in {
        f"/desk/accountant/batch/{batch}": "came back: the payout to someone who is not named",
        f"/entry/{entry}": "someone who is not named got 10.00 EUR",
        f"/entry/{entry}/why?payee={ana}": "a piece whose title was erased 100 % of it",
        f"/pool/{pool}": "someone who is not named",
        f"/proposal/{proposal}": "someone who is not named",
        f"/proposal/{proposal}/revise": "Share of someone who is not named",
    }.items():
        text = " ".join(shown(operator.get(path)).split())
        assert (said in text, ID.findall(text)) == (True, []), (path, text)


def test_a_statement_names_a_pool_and_a_release_in_words_once_their_names_are_erased(
    served: Served,
) -> None:
    ana, pia = served.admit("Ana"), served.admit("Pia")
    song = served.post_piece("A song", by=ana)
    as_pia = served.acting(pia)
    release = as_pia.post("/releases", title="All", components=[{"work": song}]).id
    served.operator.post(f"/contributors/{pia}/grant-role", role="producer", work=release)
    terms = {"type": "fixed", "shares": [[ana, "1"]]}
    said = {"name": "song", "kind": "song", "currency": "EUR", "terms": terms}
    for name in ("one", "other"):
        pool = as_pia.post(f"/releases/{release}/pools", {**said, "name": name}).id
        sold = {"source": "shop", "effective_at": "2026-06", "amount_minor": 1000}
        served.operator.post(f"/pools/{pool}/revenue", sold)
    served.operator.post("/payout-batches", currency="EUR", minimum_minor=1)
    served.operator.post(f"/contributors/{pia}/forget", ground="request")
    text = shown(signed_in(served, ana).get(f"/statement/{ana}"))
    assert not NOBODY.search(text), text
    assert "a release · a pool" in " ".join(text.split())


@pytest.mark.after(told=every_fact)
def test_a_statement_of_who_paid_once_is_headed_by_their_name(database: str) -> None:
    with serving(database) as served:
        owed = served.operator.get("/balances", limit=200, min_position=served.head).items
        (payer,) = {one["payee"]["id"] for one in owed if one["payee"]["name"] == "text-payer_name"}
        path = f"/statement/{quote(payer, safe='')}"
        text = shown(reader(served).sign_in(OPERATOR_KEY).get(path))
    assert "Statement of text-payer_name" in text
    assert not ID.search(text)


def test_what_stands_in_the_way_names_a_withdrawn_source_in_words(served: Served) -> None:
    poem = served.post_piece("A poem")
    said = {"reason": "It is licensed.", "licence": "CC-BY-SA-4.0"}
    served.operator.post(f"/works/{poem}/describe", **said)
    song = served.operator.post(
        "/contributions",
        title="A song",
        medium="audio",
        licence="CC0-1.0",
        sources=[{"work": poem, "kind": "adaptation"}],
    ).id
    release = served.operator.post("/releases", title="All", components=[{"work": song}]).id
    served.operator.post(f"/contributions/{poem}/withdraw", reason="It is not mine.")
    page = reader(served).sign_in(OPERATOR_KEY).get(f"/release/{release}/clearance")
    assert "(a withdrawn piece)" in shown(page)
    assert not ID.search(shown(page))


def test_a_comment_has_one_place_on_its_page(served: Served) -> None:
    poem = served.post_piece("A poem")
    first = served.operator.post("/comments", work=poem, text="Is it done?").id
    served.operator.post("/comments", work=poem, reply_to=first, text="Nearly.")
    page = reader(served).sign_in(OPERATOR_KEY).get(f"/comment/{first}")
    assert page.text.count(f'id="comment-{first}"') == 1
