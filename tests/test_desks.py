"""Desks: each is offered to those who may use it, and shows what their work needs.

Rule: what a desk says is seen in the page as it is sent; how it is used is in the stories.
"""

import re
import shlex
from html import unescape
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner
from serving import OPERATOR_KEY, Served, serving
from stories import Story, every_fact
from test_pages import Page, reader, signed_in

from api.web.finding import SUGGESTED
from api.web.statements import ShopFile
from domain.fact import FACTS
from domain.registry import COMMANDS
from scripts.stemma import main

DISPUTE = {"grounds": "wrong_role", "reason": "It was two commas.", "evidence": "The drafts."}


def with_role(served: Served, name: str, role: str) -> str:
    """Somebody new who has a role."""
    person = served.admit(name)
    assert served.operator.post(f"/contributors/{person}/grant-role", role=role).status < 300
    return person


def offered(page: Page) -> set[str]:
    """The desks in the menu of a page."""
    return set(re.findall(r'href="/desk/(\w+)"', page.text))


def test_the_menu_offers_the_desks_that_open(served: Served) -> None:
    readers = {
        "operator": reader(served).sign_in(OPERATOR_KEY),
        "moderator": signed_in(served, with_role(served, "Mo", "moderator")),
        "nobody": signed_in(served, served.admit("Ana")),
    }
    every = offered(readers["operator"].get("/"))
    assert "moderator" in every & offered(readers["moderator"].get("/"))
    for someone in readers.values():
        menu = offered(someone.get("/"))
        for trade in every:
            page = someone.get(f"/desk/{trade}")
            assert (page.status == 200) == (trade in menu), trade
    refused = readers["nobody"].get("/desk/moderator")
    assert refused.status == 403
    assert "a moderator who is not involved" in refused.text_seen


def test_the_list_of_desks_has_those_that_open_and_what_each_is_for(served: Served) -> None:
    """Their addresses begin like it; it was not found."""
    page = signed_in(served, with_role(served, "Ria Day", "accountant")).get("/desk")
    assert page.status == 200
    listed = page.text.partition("<main")[2]
    open_ = re.findall(r'href="/desk/(\w+)"', listed)
    assert sorted(open_) == ["accountant", "artist", "producer"]
    assert "Statements of shops, payouts, periods, reports" in page.text_seen


def test_a_dispute_stands_on_the_desk_with_both_sides_until_it_is_settled(served: Served) -> None:
    ana, ben = served.admit("Ana Clark"), served.admit("Ben Clark")
    poem = served.acting(ana).post("/contributions", title="A poem", medium="text").id
    credit = served.acting(ana).post("/credits", work=poem, contributor=ben, role="editor").id
    isrc = {"work": poem, "scheme": "isrc", "identifier": "US-SKG-19-12345"}
    number = served.acting(ana).post("/identifiers", isrc).id
    mo = signed_in(served, with_role(served, "Mo Clark", "moderator"))
    for noun, id in (("credit", credit), ("identifier", number)):
        path = f"/{noun}s/{id}"
        served.operator.post(f"{path}/dispute", DISPUTE)
        served.acting(ana).post(f"{path}/answer", reason=f"The letter about the {noun}.")
        desk = mo.get("/desk/moderator")
        assert "It was two commas." in desk.text_seen
        assert f"The letter about the {noun}." in desk.text_seen
        assert f'href="/{noun}/{id}#settle"' in desk.text
        page = mo.get(f"/{noun}/{id}")
        assert "checked" not in page.text
        head, said = (
            served.head,
            {"form_token": page.token, "outcome": "corrected", "reason": "So."},
        )
        asked = mo.post(f"/{noun}/{id}/settle", said)
        assert (asked.status, served.head) == (422, head)
        assert "Say what replaces it, or that nothing does." in asked.text_seen
        said |= {"replaced_by": ""}
        assert mo.post(f"/{noun}/{id}/settle", said).status == 303
        assert f"/{noun}/{id}#settle" not in mo.get("/desk/moderator").text


def test_what_is_corrected_is_replaced_by_another_that_was_offered(served: Served) -> None:
    ana, ben = served.admit("Ana Moss"), served.admit("Ben Moss")
    poem = served.acting(ana).post("/contributions", title="A saga", medium="text").id
    wrong, right = (
        served.operator.post("/credits", work=poem, contributor=ben, role=role).id
        for role in ("editor", "translator")
    )
    served.acting(ben).post(f"/credits/{right}/accept", {})
    served.operator.post(f"/credits/{wrong}/dispute", DISPUTE)
    mo = signed_in(served, with_role(served, "Mo Moss", "moderator"))
    page = mo.get(f"/credit/{wrong}")
    assert f'name="replaced_by" value="{right}"' in page.text
    assert "Ask whoever posted the work to record it first." in page.text_seen, "Mo may not"
    said = {"form_token": page.token, "outcome": "corrected", "reason": "So."}
    assert 'href="#replaced_by"' in mo.post(f"/credit/{wrong}/settle", said).text
    said["replaced_by"] = right
    assert mo.post(f"/credit/{wrong}/settle", said).status == 303
    assert served.operator.get(f"/credits/{wrong}").json["state"] == "revoked"


def test_who_and_what_is_called_exactly_so_is_suggested_first(served: Served) -> None:
    """However many others, of before and since, have the words in longer names."""
    for number in range(10):
        served.admit(f"Joana Mirre {number}")
    exact = served.admit("Ana Mirre")
    loop = served.post_piece("A mirrored loop", by=exact)
    for number in range(10):
        served.admit(f"Susana Mirre {number}")
        served.post_piece(f"Remix {number} of a mirrored loop", by=exact)
    window = reader(served).sign_in(OPERATOR_KEY)
    for asked, id in {
        "kind=people&q=ana+mirre": exact,
        "kind=works&q=a+mirrored+loop": loop,
        "kind=works&q=mirrored+loop": None,
        "kind=people&q=sana+mirr": None,
    }.items():
        found = re.findall(r'name="add_\w+" value="([^"]+)"', window.get(f"/suggest?{asked}").text)
        assert len(found) == len({*found}) == SUGGESTED, asked
        assert id in {None, found[0]}
    typed = {"work": "A mirrored loop", "contributor": "ana mirre", "role": "drummer"}
    said = {"form_token": window.get("/do/credit").token, **typed}
    assert window.post("/do/credit", said).status == 303, "nobody is asked which of them"
    credits = served.operator.get(f"/works/{loop}/credits").json["items"]
    assert [one["contributor"]["id"] for one in credits if one["role"] == "drummer"] == [exact]


def test_a_form_takes_names_and_asks_which_if_several_are_called_so(served: Served) -> None:
    one, other, third = (served.admit(f"Cleo {name}") for name in ("Reed", "Reed", "Reeding"))
    served.post_piece("A reed", by=one)
    operator = reader(served).sign_in(OPERATOR_KEY)
    token, path = operator.get("/do/contributor.merge").token, "/do/contributor.merge"
    said = {"form_token": token, "id": "Cleo Reed", "into": "cleo reeding", "do": "preview"}
    head = served.head
    asked = operator.post(path, said)
    assert asked.status == 422
    assert "Choose one of the matches." in asked.text_seen
    assert f"Cleo Reed (writer, …{one[-6:]})" in asked.text_seen
    assert f"Cleo Reed (not credited yet, …{other[-6:]})" in asked.text_seen
    assert set(re.findall(r'<option value="([0-9a-f-]{36})">', asked.text)) == {one, other, third}
    assert '<option value="Cleo Reed">' in asked.text, "not chosen yet, it is asked again"
    for name, answer in {
        "Zebedee": "Nothing and nobody is called “Zebedee”.",
        "Kleo Reeding": "called “Kleo Reeding”. Did you mean Cleo Reeding or Cleo Reed?",
    }.items():
        assert answer in operator.post(path, said | {"id": name}).text_seen
    part = operator.post("/do/contributor.ask-first", {"form_token": token, "id": "Cleo Reedi"})
    assert "Choose one of the matches." in part.text_seen, "it is not her whole name"
    assert set(re.findall(r'<option value="([0-9a-f-]{36})">', part.text)) == {third}
    typed = {"work": "Zebedee", "contributor": "Cleo", "role": "king", "effective_at": "never"}
    wrong = operator.post("/do/credit", {"form_token": token, **typed}).text
    for field in ("Work", "Contributor", "Role", "Date"):
        assert re.search(f'href="#[a-z_]+">{field}', wrong), (field, "all that is wrong at once")
    long = operator.post("/do/credit", {"form_token": token, **typed, "work": "x" * 60_000})
    assert (long.status, "has so long a name" in long.text_seen) == (422, True)
    found = operator.post("/post", {"form_token": token, "find_works": "x" * 60_000})
    assert found.status == 200, "nor is it looked for"
    project = {"title": "A", "goal": "B", "kind": "song", "steps": "One"}
    led = {"form_token": token, **project, "leaders": f"Cleo Reeding\n{one}\nCleo Reed\nZebedee"}
    asked = operator.post("/do/project", led).text_seen
    assert "“Cleo Reed” has several matches" in asked
    assert "Nothing and nobody is called “Zebedee”." in asked
    launched = operator.post("/do/project", led | {"leaders": f"Cleo Reeding\n{one}"})
    assert launched.status == 303, "people are named by name in every line, too"
    head += 2
    preview = operator.post(path, said | {"id": one})
    assert (preview.status, served.head) == (200, head)
    assert "are one person, called Cleo Reeding" in preview.text_seen
    change = operator.post(path, said | {"id": one, "do": "change"})
    assert f'value="{one}"' in change.text
    assert operator.post(path, said | {"id": one, "do": "record"}).status == 303
    assert served.operator.get(f"/contributors/{one}").json["name"] == "Cleo Reed"
    assert served.head == head + 1


def test_a_preview_says_what_a_merge_and_a_join_change(served: Served) -> None:
    ana, ben = served.admit("Ana Dale"), served.admit("Ana Dell")
    song = served.post_piece("A dale", by=ana)
    other = served.post_piece("A dell", song, by=ben)
    served.operator.post("/credits", work=song, contributor=ana, role="singer")
    operator = reader(served).sign_in(OPERATOR_KEY)
    said = {"form_token": operator.get("/do/join").token, "do": "preview"}
    told = operator.post("/do/contributor.merge", said | {"id": "Ana Dale", "into": "Ana Dell"})
    assert "2 credits on 1 work, given to Ana Dale, will belong to Ana Dell." in told.text_seen
    refused = operator.post("/do/join", said | {"work": song, "into": other})
    assert refused.status == 422
    assert "lineage_cycle" in refused.text
    third = served.post_piece("A dale again", by=ben)
    told = operator.post("/do/join", said | {"work": "a dale again", "into": "a dale"})
    assert "are one work." in told.text_seen
    assert "A dale has 0 sources, 2 credits and 1 work made from it" in told.text_seen
    operator.post("/do/join", said | {"work": third, "into": song, "do": "record"})
    join = served.operator.get(f"/works/{song}").json["joins"][0]["id"]
    told = operator.post("/do/join.undo", said | {"id": join, "reason": "Live."})
    assert "What was stated about either applies to that one alone." in told.text_seen
    done = operator.post("/do/join.undo", said | {"id": join, "reason": "Live.", "do": "record"})
    assert done.headers["Location"].startswith(f"/piece/{song}")
    mo = signed_in(served, with_role(served, "Mo Dale", "moderator"))
    desk = mo.get("/desk/moderator")
    assert "Undo a merge" in desk.text_seen
    assert "Erase every text" not in desk.text_seen, "which is for the operator and the person"
    erase = {"form_token": desk.token, "id": ana, "ground": "request"}
    assert "Mo Dale may not forget" in mo.post("/do/contributor.forget", erase).text_seen


def test_a_person_is_forgotten_after_a_look_at_whom_and_what_that_erases(served: Served) -> None:
    """What cannot be undone names the person before it is done: a typed name may be another's."""
    zoe, former = served.admit("Zoé Erased"), served.admit("Zoé of Before")
    served.operator.post(f"/contributors/{former}/merge", into=zoe)
    song = served.post_piece("A song without her", by=zoe)
    operator = reader(served).sign_in(OPERATOR_KEY)
    form = operator.get("/do/contributor.forget")
    assert "Record it" not in form.text_seen
    said = {"form_token": form.token, "id": "zoe erased", "ground": "request"}
    head = served.head
    told = operator.post("/do/contributor.forget", said | {"do": "preview"}).text_seen
    for sentence in (
        "Zoé Erased will have no name, not even in answers about the past.",
        "They have 2 accounts: all of them are erased.",
        "1 credit will stay, without a name.",
        "This cannot be undone.",
    ):
        assert sentence in told
    assert served.head == head
    assert "Zoé Erased" in operator.get(f"/contributor/{zoe}").text_seen
    assert operator.post("/do/contributor.forget", said).status == 303
    assert "Zoé Erased" not in operator.get(f"/piece/{song}").text_seen


def test_who_had_themself_forgotten_is_told_so_on_their_last_page(served: Served) -> None:
    pia = served.admit("Pia Erased")
    someone = signed_in(served, pia)
    said = {"form_token": someone.get("/do/contributor.forget").token, "id": pia}
    sent = someone.post("/do/contributor.forget", said | {"ground": "request"})
    assert (sent.status, sent.headers["Location"]) == (303, "/farewell")
    page = someone.get("/farewell")
    assert page.status == 200
    assert "You have been forgotten" in page.text_seen
    assert "Pia" not in page.text
    assert "Sign out" not in page.text_seen


def test_who_leaves_a_group_is_led_to_state_until_when(served: Served) -> None:
    """To decline instead would take them out of it from the beginning."""
    ana, band = served.admit("Ana Gone"), served.admit("The Gone")
    inside = served.acting(band).post("/memberships", group=band, contributor=ana, during="2019/..")
    served.acting(ana).post(f"/memberships/{inside.id}/accept")
    someone = signed_in(served, ana)
    page = someone.get(f"/membership/{inside.id}")
    assert "Who has left the group states until when they were in it." in page.text_seen
    (link,) = re.findall(r'href="(/do/membership\.date\?[^"]*during[^"]*)"', page.text)
    form = someone.get(unescape(link))
    assert 'value="2019/.."' in form.text
    assert "Ana Gone in The Gone" in form.text_seen


def test_a_text_is_erased_after_a_look_at_whose_it_is_and_what_stays(served: Served) -> None:
    una = served.admit("Una of Before")
    own = [{"contributor": una, "role": "singer"}]
    said = {"title": "A song to withdraw", "medium": "audio", "authors": own}
    song = served.acting(una).post("/contributions", said).id
    served.post_piece("A remix that stays", song)
    someone, head = signed_in(served, una), served.head
    form = someone.get(f"/do/contribution.withdraw?id={song}")
    assert "Record it" not in form.text_seen
    said = {"form_token": form.token, "do": "preview"}
    withdrawn = {**said, "id": song, "reason": "It was a draft."}
    told = someone.post("/do/contribution.withdraw", withdrawn).text_seen
    assert "A song to withdraw will have no title, not even in answers about the past." in told
    assert "A song to withdraw has 0 sources, 1 credit and 1 work made from it." in told
    renamed = {**said, "id": una, "name": "Una <of> Now"}
    kept = someone.post("/do/contributor.rename", {**renamed, "former": "kept"}).text
    erased = someone.post("/do/contributor.rename", renamed).text
    assert "is called Una &lt;of&gt; Now." in erased
    assert "The former name is erased, also from answers about the past." in erased
    assert ("This cannot be undone." in erased, "This cannot be undone." in kept) == (True, False)
    assert served.head == head
    assert someone.post("/do/contributor.rename", {**renamed, "do": "record"}).status == 303


def test_the_auditor_sees_what_is_disputed_misdated_and_corrected(served: Served) -> None:
    ana, ben = served.admit("Ana Vale"), served.admit("Ben Vale")
    poem = served.operator.post("/contributions", title="A vale", medium="text", made_at="2019").id
    source = [{"work": poem, "kind": "adaptation"}]
    said = {"title": "A vale before", "medium": "text", "made_at": "1999", "sources": source}
    early = served.operator.post("/contributions", said).id
    credit = served.acting(ana).post("/credits", work=poem, contributor=ben, role="editor")
    assert credit.status == 403  # the operator posted it
    credit = served.operator.post("/credits", work=poem, contributor=ben, role="editor").id
    served.operator.post(f"/credits/{credit}/dispute", DISPUTE)
    said = {"title": "A vale, corrected", "reason": "A typing error of mine."}
    served.operator.post(f"/works/{poem}/describe", said)
    page = signed_in(served, with_role(served, "Au", "auditor")).get("/desk/auditor")
    assert f'href="/credit/{credit}"' in page.text
    assert f'href="/piece/{early}"' in page.text
    assert "made 1999" in page.text_seen
    assert "A typing error of mine." in page.text_seen
    assert signed_in(served, ana).get("/desk/auditor").status == 403


def test_a_receipt_is_told_in_titles_and_names_to_those_who_may_read_it(served: Served) -> None:
    ana = served.admit("Ana Fell")
    poem = served.acting(ana).post("/contributions", title="A fell", medium="text")
    served.service.log.catch_up()
    position = poem.json["position"]
    receipt = served.operator.get(f"/facts/{position}/receipt").text
    auditor = signed_in(served, with_role(served, "Au Fell", "auditor"))
    head = served.head
    told = auditor.post("/audit", {"text": receipt}).text_seen
    assert "Valid." in told
    assert "Ana Fell posted A fell" in told
    stranger = reader(served).post("/audit", {"text": receipt})
    assert "Valid." in stranger.text_seen
    assert "Ana Fell" not in stranger.text
    proof = served.operator.get(f"/log/latest/{poem.id}").text
    latest = auditor.post("/audit", {"text": proof}).text_seen
    assert "The latest fact about A fell up to position" in latest
    stranger = reader(served).post("/audit", {"text": proof})
    assert f"The latest fact about {poem.id} up to position" in stranger.text_seen
    assert "A fell" not in stranger.text
    none = served.operator.get(f"/log/latest/{uuid4()}").text
    assert "there is no fact about" in auditor.post("/audit", {"text": none}).text_seen
    promise = poem.json["promise"]
    kept = auditor.post("/audit", {"text": promise}).text_seen
    assert f"Kept. The log contains what it promised at position {position}" in kept
    as_of = served.operator.get(f"/log/as-of/{position}").text
    several = ("stemma verify history FILE", receipt * 2)
    for said, other in (("stemma verify", "{}"), ("stemma verify as-of FILE", as_of), several):
        page = auditor.post("/audit", {"text": other})
        assert said in page.text_seen
    for file in (proof, promise):
        wrong = auditor.post("/audit", {"text": file.replace("\n", "\n\n", 1)})
        assert "Invalid: altered" in wrong.text_seen
    altered = auditor.post("/audit", {"text": receipt.replace("extra ", "extra A", 1)})
    assert "Invalid: altered, or from another log." in altered.text_seen
    assert "extra A" in altered.text_seen, "what was pasted is still there"
    assert served.head == head


def test_the_receipt_of_every_kind_of_fact_is_told_in_a_sentence(tmp_path: Path) -> None:
    with serving(f"sqlite:///{tmp_path / 'stemma.db'}") as served:
        told = Story(served.service)
        every_fact(told)
        auditor = signed_in(served, with_role(served, "Au Fell", "auditor"))
        served.service.follower.catch_up()
        served.service.log.catch_up()
        one_of_each = {placed.topic: placed.position for placed in told.facts()}
        assert {"revenue.recorded", "entry.divided", "batch.opened"} <= one_of_each.keys()
        for topic, position in one_of_each.items():
            receipt = served.operator.get(f"/facts/{position}/receipt").text
            page = auditor.post("/audit", {"text": receipt})
            assert page.status == 200, topic
            assert "Valid." in page.text_seen
            (verb, *_) = re.split("{.*?}", FACTS[topic].SAYS)[1].split()
            assert f" {verb} " in page.text_seen, topic


def test_every_form_is_headed_by_a_whole_sentence() -> None:
    """Lists of forms and their headings show the first line of what a command says of itself."""
    for name, command in COMMANDS.items():
        assert str(command.__doc__).partition("\n")[0].endswith("."), name


def test_what_is_wrong_with_an_amount_is_told_with_the_names_that_are_not_clear(
    served: Served,
) -> None:
    """Before, the form was gone, with all that had been typed into it."""
    post = served.operator.post
    whole = post("/releases", title="W", components=[{"work": served.post_piece("A psalm")}]).id
    terms = {"type": "fixed", "shares": [["house", "1"]]}
    said = {"name": "P", "kind": "song", "currency": "EUR", "terms": terms}
    pool = post(f"/releases/{whole}/pools", said).id
    kim = signed_in(served, with_role(served, "Kim of the psalm", "accountant"))
    said = {"form_token": kim.get("/do/revenue").token, "typed_in": "EUR", "pool": pool}
    said |= {"source": "store", "note": "As told.", "amount_minor": "much", "sold": "No such work"}
    page = kim.post("/do/revenue", said)
    assert page.status == 422
    for told in ("much is not a valid amount", "Nothing and nobody is called “No such work”"):
        assert told in page.text_seen
    assert "As told." in page.text_seen
    lines = {"lines": "Kim of the psalm; 1.00\nSomebody; much", "reason": "Late."}
    page = kim.post("/do/adjustment", said | lines)
    assert "Lines: 2, amount_minor: much is not a valid amount" in page.text_seen
    assert "Kim of the psalm; 1.00\nSomebody; much" in page.text, "as it was typed"


def test_who_or_what_a_form_names_can_be_changed_until_it_is_recorded(served: Served) -> None:
    """Before, a name that was found was fixed in the form, also when it was the wrong one."""
    one, two = served.admit("Ada Fern"), served.admit("Ada Firn")
    work = served.post_piece("Ferns")
    operator = reader(served).sign_in(served.operator.key or "")
    said = {"form_token": operator.get("/do").token, "contributor": "Ada Fern"}
    both = {**said, "id": "Ada Fern", "into": "Ada Firn"}
    told = operator.post("/do/contributor.merge", both | {"do": "preview"}).text_seen
    assert "Ada Fern and Ada Firn are one person" in told
    sent = both | {"id": one, "into": two, "do": "change"}
    page = operator.post("/do/contributor.merge", sent)
    assert "Contributor: Ada Fern" in page.text_seen
    assert f'<input type="text" id="into" value="{two}"' in page.text
    page = operator.post("/do/credit", {**said, "work": work, "role": "bard"})
    assert "Contributor: Ada Fern" in page.text_seen
    assert f'<input type="text" id="contributor" value="{one}"' in page.text
    page = operator.post("/do/credit", {**said, "work": "Not here"})
    assert "This is not a UUID" not in page.text_seen, "the name of the person is clear"
    page = operator.post("/do/payment-currency", {**said, "payee": "Ada Fern", "currency": "none"})
    assert "Payee: Ada Fern" in page.text_seen, "and not only an id"


def test_an_amount_is_typed_as_money_where_its_currency_is_known(served: Served) -> None:
    post = served.operator.post
    whole = post("/releases", title="W", components=[{"work": served.post_piece("A hymn")}]).id
    terms = {"type": "fixed", "shares": [["house", "1"]]}
    euros, yen = (
        post(f"/releases/{whole}/pools", name=code, kind="song", currency=code, terms=terms).id
        for code in ("EUR", "JPY")
    )
    kim = signed_in(served, with_role(served, "Kim", "accountant"))
    form = kim.get(f"/do/revenue?pool={euros}")
    assert "Amount in EUR" in form.text_seen
    assert "smallest units" not in form.text_seen
    assert "Pool: EUR of W" in form.text_seen, "nobody has to recognise an id"
    said = {"form_token": form.token, "typed_in": "EUR", "pool": euros, "source": "store"}
    said |= {"effective_at": "2026-01", "amount_minor": "1,234.50"}
    head = served.head
    for wrong in ({"amount_minor": "1,234"}, {"pool": yen}, {"amount_minor": "12.345"}):
        assert kim.post("/do/revenue", said | wrong).status == 422
    assert served.head == head
    unclear = kim.post("/do/revenue", said | {"amount_minor": "1,234"}).text_seen
    assert "write 1234 or 1.23" in unclear
    plain = said | {"typed_in": "JPY", "pool": yen, "amount_minor": "1,234"}
    assert kim.post("/do/revenue", plain).status == 303, "yen have no digits after the point"
    assert served.operator.get(f"/pools/{yen}/revenue").items[0]["amount_minor"] == 1_234
    assert kim.post("/do/revenue", said).status == 303
    assert served.operator.get(f"/pools/{euros}/revenue").items[0]["amount_minor"] == 123_450
    cleo = served.admit("Cleo Marsh")
    adjusted = {"form_token": form.token, "typed_in": "EUR", "pool": euros, "reason": "Late."}
    adjusted |= {"lines": "cleo marsh; 13.00\nSomebody outside; -3.00", "payer": "operator"}
    done = kim.post("/do/adjustment", adjusted)
    assert "Nobody is called “Somebody outside” in any terms or agreement" in done.text_seen
    owed = {one["payee"]["id"]: one["owed_minor"] for one in served.operator.get("/balances").items}
    balances = kim.get("/desk/accountant/balances?payee=cleo+marsh&from=2026").text_seen
    assert "13.00 EUR" in balances
    assert "10.00 EUR" not in balances, "a list of one payee, by name"
    every = kim.get("/desk/accountant/balances?currency=eur").text_seen
    assert "All together1,234.50 EUR" in every, "what was charged sums to zero"
    assert (owed[cleo], owed["Somebody outside"], owed["operator"]) == (1_300, -300, -1_000)
    for id in (uuid4(), uuid4()):
        again = kim.post("/do/revenue", said | {"document": "D 1", "id": str(id)})
    assert "already recorded: 1,234.50 EUR, store, 2026-01." in again.text_seen
    assert (
        kim.post(
            "/do/exchange-rate",
            {
                "form_token": form.token,
                "currency": "jpy",
                "into_currency": "Eur",
                "rate": "0.0062",
                "effective_at": "2026-01",
                "source_name": "ECB",
            },
        )
        .headers["Location"]
        .startswith("/desk/accountant")
    ), "what has no page ends where it began"
    assert "1 JPY = 0.0062 EUR from 2026-01-01" in kim.get("/desk/accountant/reports").text_seen
    few = kim.get("/desk/accountant/payout?currency=jpy&minimum=10.00")
    assert few.status == 422
    for kept in ('value="10.00"', "<option selected>JPY"):
        assert kept in few.text, "nothing that was typed is lost"
    auditor = signed_in(served, with_role(served, "Olga", "auditor"))
    assert auditor.get("/desk/accountant").status == 200
    assert "Pay out" not in auditor.get("/desk/accountant").text_seen
    sent = {"form_token": auditor.get("/desk/accountant").token, "until": "2020-01"}
    assert auditor.post("/do/period", sent).status == 403
    nobody = signed_in(served, served.admit("Zed"))
    for path in ("import", "payout", "batches", "bookings", "balances", "pools", "reports"):
        assert nobody.get(f"/desk/accountant/{path}").status == 403


def _pool(served: Served, title: str, piece: str, *, name: str, currency: str) -> str:
    """A pool of a new release, whose terms give everything to one payee."""
    part = {"work": served.post_piece(piece)}
    whole = served.operator.post("/releases", title=title, components=[part]).id
    terms = {"type": "fixed", "shares": [["choir", "1"]]}
    pool = {"name": name, "kind": "song", "currency": currency, "terms": terms}
    return served.operator.post(f"/releases/{whole}/pools", pool).id


def test_a_form_asks_first_for_what_must_be_said_and_names_what_is_missing(served: Served) -> None:
    pool = _pool(served, "U", "An ode", name="u", currency="EUR")
    kim = signed_in(served, with_role(served, "Kim Oh", "accountant"))
    form = kim.get(f"/do/revenue?pool={pool}")
    names = re.findall(r'name="(\w+)"', form.text.partition("typed_in")[2])
    asked = ["pool", "effective_at", "amount_minor", "source", "document", "note"]
    assert names[:6] == asked, "nobody has to look for what is needed among what is not"
    said = {"form_token": form.token, "typed_in": "EUR", "pool": pool, "source": "store"}
    without = kim.post("/do/revenue", said | {"effective_at": "2026-01"}).text_seen
    assert "State an amount, or lines of what was sold." in without
    assert "not a valid amount" not in without
    vague = kim.post("/do/revenue", said | {"effective_at": "last May"}).text_seen
    assert "“last May” is not a date: write a year, month, day or time" in vague
    assert "EDTF" not in vague, "what is about works only is said about works only"


def test_an_amount_is_money_in_a_form_that_does_not_name_its_pool_yet(served: Served) -> None:
    """Before, the same number meant a hundredth there of what it meant in a form of the pool."""
    pool = _pool(served, "T", "A round", name="t", currency="JPY")
    kim = signed_in(served, with_role(served, "Kim Ito", "accountant"))
    form = kim.get("/do/revenue")
    assert "In its currency, such as 8073.64." in form.text_seen
    assert "; 13.00" in kim.get("/do/adjustment").text
    said = {"form_token": form.token, "source": "store", "effective_at": "2026-01"}
    said |= {"amount_minor": "1,234"}
    head = served.head
    for named, problem in (
        ("", "Pool: This is required."),
        ("nothing", "Pool: This is not a UUID."),
        (str(uuid4()), "There is no pool"),
    ):
        answer = kim.post("/do/revenue", said | {"pool": named})
        assert answer.status in {404, 422}
        assert problem in answer.text_seen
        assert "not a valid amount" not in answer.text_seen
        assert 'value="1,234"' in answer.text
    assert served.head == head
    assert kim.post("/do/revenue", said | {"pool": f"{served.origin}/pool/{pool}"}).status == 303
    (sale,) = served.operator.get(f"/pools/{pool}/revenue").items
    assert sale["amount_minor"] == 1_234, "yen have no digits after the point"
    taken = {"form_token": form.token, "revenue": sale["id"], "reason": "One came back."}
    assert kim.post("/do/revenue.reverse", taken | {"amount_minor": "12.34"}).status == 422
    assert kim.post("/do/revenue.reverse", taken | {"amount_minor": "34"}).status == 303
    gone = kim.post("/do/expense.reverse", {**taken, "expense": str(uuid4()), "amount_minor": "1"})
    assert "There is no expense" in gone.text_seen


def test_a_form_that_names_its_currency_takes_amounts_in_it(served: Served) -> None:
    pool = _pool(served, "V", "A psalm", name="v", currency="KWD")
    sale = {"amount_minor": 9_000, "source": "store", "effective_at": "2026-01"}
    served.operator.post(f"/pools/{pool}/revenue", sale)
    kim, cleo = signed_in(served, with_role(served, "Kim Fen", "accountant")), served.admit("Cleo")
    form = kim.get("/do/assignment")
    assert "In its currency, such as 50.00" in form.text_seen
    said = {"form_token": form.token, "payee": "choir", "to": cleo, "currency": "kwd"}
    said |= {"amount_minor": "2.5", "reason": "They agreed.", "evidence": "letter"}
    wrong = kim.post("/do/assignment", said | {"amount_minor": "2,500"})
    assert wrong.status == 422
    assert "2,500 is not a valid amount: write 2500 or 2.500." in wrong.text
    assert kim.post("/do/assignment", said | {"amount_minor": "2.5001"}).status == 422
    for amount in ("0", "-1"):
        least = kim.post("/do/assignment", said | {"amount_minor": amount}).text_seen
        assert "it is not between 0.001 KWD and 999,999,999,999.999 KWD." in least
    assert kim.post("/do/assignment", said).status == 303
    assert served.operator.get(f"/balances?payee={cleo}").items[0]["owed_minor"] == 2_500
    small = served.operator.post(f"/pools/{pool}/locate", country="kw")
    assert (small.status, small.json["detail"]) == (
        422,
        "“kw” is not an ISO 3166-1 country code: two capital letters, such as US.",
    )
    located = {"form_token": form.token, "pool": pool, "country": "kw"}
    assert kim.post("/do/pool.locate", located).status == 303
    assert served.operator.get(f"/pools/{pool}").json["country"] == "KW"


def test_what_was_reversed_by_mistake_is_recorded_again_and_both_are_seen(served: Served) -> None:
    pool = _pool(served, "W", "A hymn", name="w", currency="DKK")
    post = served.operator.post
    sale = {"amount_minor": 9_000, "source": "store", "effective_at": "2026-01"}
    revenue = post(f"/pools/{pool}/revenue", sale).id
    reversal = post(f"/revenue/{revenue}/reverse", reason="The wrong month.").id
    kim = signed_in(served, with_role(served, "Kim Ness", "accountant"))
    page = kim.get(f"/entry/{reversal}")
    assert "A reversal stays; record the amount again" in page.text_seen
    payee = served.operator.get(f"/entries/{reversal}").json["lines"][0]["payee"]["id"]
    why = kim.get(f"/entry/{reversal}/why?payee={payee}").text_seen
    assert "by a reversal of −90.00 DKK, for" in why
    assert "The wrong month." in why
    (again,) = re.findall(r'href="(/do/revenue[^"]*)"', page.text)
    form = kim.get(unescape(again)).text
    assert f'value="{pool}"' in form
    assert 'value="2026-01"' in form
    auditor = signed_in(served, with_role(served, "Au Ness", "auditor"))
    assert "The wrong month." in auditor.get("/desk/auditor").text_seen
    assert "Reversed by mistake" not in auditor.get(f"/entry/{reversal}").text


def test_who_paid_before_having_a_share_is_told_apart_and_can_be_joined(served: Served) -> None:
    """The name in the terms and the name of the payer are two payees until both are one person."""
    pool = _pool(served, "X", "A canon", name="x", currency="NOK")
    post, nell = served.operator.post, served.admit("Nell")
    spent = {"amount_minor": 500, "category": "printing", "payer": "Nell & Co"}
    post(f"/pools/{pool}/expenses", spent | {"effective_at": "2026-01"})
    sale = {"amount_minor": 1_500, "source": "store", "effective_at": "2026-01"}
    post(f"/pools/{pool}/revenue", sale)
    terms = {"type": "fixed", "shares": [["Nell & Co", "1"]]}
    later = {"terms": terms, "effective_at": "2026-02", "reason": "Sold.", "document": "deed"}
    post(f"/pools/{pool}/amend", later)
    post(f"/pools/{pool}/revenue", sale | {"effective_at": "2026-02", "amount_minor": 700})
    kim = signed_in(served, with_role(served, "Kim Moor", "accountant"))
    assert "named with an expense" in kim.get("/desk/accountant/balances?currency=nok").text_seen
    every = served.operator.get("/balances", currency="NOK").items
    names = [one["payee"]["id"] for one in every if one["payee"]["name"] == "Nell & Co"]
    assert len(names) == 2
    for name in names:
        post(f"/contributors/{nell}/identify", name=name, reason="It is she.")
    (joined,) = served.operator.get(f"/balances?payee={nell}").items
    assert joined["owed_minor"] == 500 + 700


def test_a_batch_pays_what_its_preview_showed_or_nothing(served: Served) -> None:
    """Revenue that comes in between is seen before it is paid."""
    pool = _pool(served, "W", "A round", name="w", currency="DKK")
    sale = {"amount_minor": 4_000, "source": "store", "effective_at": "2026-01"}
    served.operator.post(f"/pools/{pool}/revenue", sale)
    kim = signed_in(served, with_role(served, "Kim Lane", "accountant"))
    path = "/desk/accountant/payout"
    page = kim.get(f"{path}?currency=DKK")
    assert "40.00 DKK together" in page.text_seen
    served.operator.post(f"/pools/{pool}/revenue", sale | {"amount_minor": 500})
    said = {"form_token": page.token, "currency": "DKK", "minimum": "", "total": "4000"}
    page = kim.post(path, said)
    assert page.status == 409
    assert "This would pay 45.00 DKK now, and not 40.00 DKK" in page.text_seen
    assert 'name="total" value="4500"' in page.text

    def paid() -> list[int]:
        every = served.operator.get("/payouts", payee="choir").items
        return [one["amount_minor"] for one in every if one["currency"] == "DKK"]

    for other in ("9" * 5000, "4500.", "none"):
        assert 400 <= kim.post(path, said | {"total": other}).status < 500
    assert paid() == []
    assert kim.post(path, said | {"total": "4500"}).status == 303
    assert paid() == [4_500]


def test_who_is_paid_a_part_reads_why_the_rest_is_held(served: Served) -> None:
    """“Will be paid the share has not been accepted yet” could be read as its reason."""
    uma, post = served.admit("Uma Part"), served.operator.post
    song = served.post_piece("A duet", by=uma)
    whole = post("/releases", title="Duets", components=[{"work": song}]).id
    sold = {"amount_minor": 300, "source": "store", "effective_at": "2026-01"}
    terms: tuple[dict[str, Any], ...] = (
        {"type": "fixed", "shares": [[uma, "1"]]},
        {"type": "agreed"},
    )
    for each in terms:
        said = {"name": "duets", "kind": "song", "currency": "CZK", "terms": each}
        pool = post(f"/releases/{whole}/pools", said).id
        if each == {"type": "agreed"}:
            assets = [{"asset": song, "value": "1", "shares": [[uma, "1"]]}]
            said = {"assets": assets, "agreed_on": "2025", "document": "sheet"}
            post(f"/pools/{pool}/agreements", said | {"effective_at": "2025"})
        post(f"/pools/{pool}/revenue", sold)
    operator = reader(served).sign_in(OPERATOR_KEY)
    page = operator.get("/desk/accountant/payout?currency=CZK").text_seen
    assert "Will be paid the rest is held: the share has not been accepted yet3.00 CZK" in page


def test_payouts_that_came_back_are_ticked_one_by_one(served: Served) -> None:
    """All of a batch usually arrive; none of it has come back before somebody says so."""
    post = served.operator.post
    whole = post("/releases", title="U", components=[{"work": served.post_piece("A carol")}]).id
    terms = {"type": "fixed", "shares": [["alto", "1/2"], ["bass", "1/2"]]}
    said = {"name": "u", "kind": "song", "currency": "SEK", "terms": terms}
    pool = post(f"/releases/{whole}/pools", said).id
    post(f"/pools/{pool}/revenue", amount_minor=9_000, source="store", effective_at="2026-01")
    kim, path = signed_in(served, with_role(served, "Kim Day", "accountant")), "/desk/accountant"
    every = kim.get(f"{path}/balances?currency=sek").text_seen
    assert "All together90.00 SEK90.00 SEK0.00 SEK" in every, "owed, payable and held"
    assert 'href="#minimum"' in kim.get(f"{path}/payout?currency=SEK&minimum=ten").text
    batch = post("/payout-batches", currency="SEK", payees=["alto", "bass"]).id
    payouts = [one["id"] for one in served.operator.get("/payouts", batch=batch).items]
    page = kim.get(f"{path}/batch/{batch}")
    for one in payouts:
        assert f'name="settle" value="{one}" checked' in page.text
        assert f'name="return" value="{one}">' in page.text
    sent = {"form_token": page.token, "do": "return", "reason": "Closed.", "settle": payouts}
    assert "Tick the payouts" in kim.post(f"{path}/batch/{batch}", sent).text_seen
    sent["return"] = payouts[:1]
    unsaid = kim.post(f"{path}/batch/{batch}", sent | {"reason": ""}).text
    assert 'placeholder="The account was closed." aria-invalid="true"' in unsaid
    assert kim.post(f"{path}/batch/{batch}", sent).status == 303
    states = [one["state"] for one in served.operator.get("/payouts", batch=batch).items]
    assert states == ["returned", "issued"]


def test_what_is_wrong_with_a_statement_is_told_beside_its_field(served: Served) -> None:
    kim, path = signed_in(served, with_role(served, "Kim Sum", "accountant")), "/desk/accountant"
    said = {"form_token": kim.get(f"{path}/import").token, "do": "preview", "form": "sales"}
    unsent = kim.post(f"{path}/import", said).text
    assert 'href="#file"' in unsent
    table = b"isrc,store,period,amount\nUS-SKG-19-12345,Shop,2026-01,50.005\n,Shop,2026-01,1.234\n"
    for kept, why in (
        (table + b'US-SKG-19-12345,Shop,2026-01,"1.234,50"\n', "may be in thousands"),
        (b"isrc,amount\nUS-SKG-19-12345,1\n", "there is no column called"),
    ):
        page = kim.post(f"{path}/import", said | {"kept": ShopFile(kept, "sales", {}).kept})
        assert re.search(f'href="#file">The file: [^<]*{why}', page.text)
    unknown = kim.post(f"{path}/import", said | {"pool": "nowhere"})
    assert 'href="#pool">Pool: Choose one of the pools' in unknown.text


def test_no_form_is_offered_to_whom_it_is_not_open(served: Served) -> None:
    ana, kim = served.admit("Ana Own"), with_role(served, "Kim Own", "accountant")
    act = served.acting(ana)
    song, other = (act.post("/contributions", title=one, medium="audio").id for one in ("S", "T"))
    act.post("/identifiers", work=song, scheme="isrc", identifier="US-SKG-19-12346")
    act.post("/joins", work=other, into=song, reason="The same.")
    release = act.post("/releases", title="U", components=[{"work": song}]).id
    pages = (f"/piece/{song}", f"/release/{release}/clearance", "/desk/accountant")
    forms = ("identifier.dispute", "join.undo", "work.describe", "identifier", "payee.identify")
    for who, may in {
        OPERATOR_KEY: {*forms},
        served.service.keys.create(kim): set[str](),
        served.service.keys.create(ana): {*forms[:-1]},
    }.items():
        someone = reader(served).sign_in(who)
        told = " ".join(someone.get(path).text for path in pages)
        assert {one for one in forms if f'href="/do/{one}?' in told or f'/do/{one}"' in told} == may
    assert "State a licence" not in signed_in(served, kim).get(pages[1]).text_seen
    refused = served.acting(kim).post("/identifiers", work=song, scheme="isrc", identifier="x")
    assert "may not state an identifier here" in refused.text


def test_who_may_not_see_a_page_reads_who_may(served: Served) -> None:
    ana, ben = served.admit("Ana Lea"), served.admit("Ben Lea")
    page = signed_in(served, ben).get(f"/statement/{ana}")
    assert page.status == 403
    assert "Ben Lea may not read" in page.text_seen
    assert "Open to the operator" in page.text_seen
    assert "If this should include you, ask the operator." in page.text_seen
    assert ben not in page.text.partition("<main")[2]
    answer = served.acting(ben).get(f"/contributors/{ana}/statement")
    assert (answer.status, answer.json["open_to"][:20]) == (403, "Open to the operator")


def test_the_operator_is_told_that_a_desk_is_for_contributors(served: Served) -> None:
    page = reader(served).sign_in(OPERATOR_KEY).get("/desk/artist")
    assert page.status == 403
    said = "The operator may not read the desk of the artist. Open to contributors."
    assert said in " ".join(page.text_seen.split())
    assert "ask the operator" not in page.text_seen


def test_who_was_never_asked_first_is_not_offered_to_stop_that(served: Served) -> None:
    ana = served.admit("Ana")
    window, path = reader(served).sign_in(OPERATOR_KEY), f"/contributor/{ana}"
    offers = [f"/do/contributor.{verb}?id={ana}" for verb in ("ask-first", "stop-asking")]
    assert [one in window.get(path).text for one in offers] == [True, False]
    served.operator.post(f"/contributors/{ana}/ask-first")
    assert [one in window.get(path).text for one in offers] == [False, True]


def test_nothing_is_offered_on_the_page_of_a_forgotten_person(served: Served) -> None:
    gus = served.admit("Gus")
    operator = reader(served).sign_in(OPERATOR_KEY)
    offers = ("What you may do about this account", "Add a member", "Make a key")
    page = operator.get(f"/contributor/{gus}").text_seen
    assert all(one in page for one in offers)
    served.operator.post(f"/contributors/{gus}/forget", ground="request")
    page = operator.get(f"/contributor/{gus}").text_seen
    assert "whose name was erased" in page
    assert not any(one in page for one in offers)


def test_notifications_of_a_kind_that_has_none_say_so(served: Served) -> None:
    page = signed_in(served, served.admit("Ana")).get("/waiting?kind=money")
    assert "None of this kind." in page.text_seen


def test_a_date_that_cannot_be_read_is_answered_with_one_that_can(served: Served) -> None:
    ana = served.admit("Ana")
    poem = served.post_piece("A poem", by=ana)
    operator = reader(served).sign_in(OPERATOR_KEY)
    form = operator.get(f"/do/work.redate?id={poem}")
    said = {"form_token": form.token, "id": poem, "made_at": "noon", "reason": "r"}
    page = operator.post("/do/work.redate", said)
    assert "or 1969-10-14T20:15:00Z" in page.text_seen
    again = said | {"made_at": "1969-10-14T20:15:00Z"}
    assert operator.post("/do/work.redate", again).status == 303
    assert "made 1969-10-14 20:15 UTC" in operator.get(f"/piece/{poem}").text_seen


def test_who_asks_first_is_notified_in_names(served: Served) -> None:
    uma, cid = served.admit("Uma First"), served.admit("Cid First")
    served.acting(uma).post(f"/contributors/{uma}/ask-first", {})
    work = served.acting(cid).post("/contributions", title="A first", medium="text").id
    served.acting(cid).post("/credits", work=work, contributor=uma, role="drummer")
    page = " ".join(signed_in(served, uma).get("/waiting").text_seen.split())
    assert "Cid First credited Uma First as drummer on A first" in page


def test_who_credits_somebody_who_asks_first_hears_that_nobody_sees_it_yet(served: Served) -> None:
    """Otherwise they look for the credit in vain, and give it again."""
    uma, cid = served.admit("Uma Second"), served.admit("Cid Second")
    served.acting(uma).post(f"/contributors/{uma}/ask-first", {})
    work = served.acting(cid).post("/contributions", title="A second", medium="text").id
    credit = {"work": work, "contributor": uma, "role": "drummer"}
    (warning,) = served.acting(cid).post("/credits", credit).json["warnings"]
    assert warning["code"] == "asked_first"
    form = signed_in(served, cid)
    said = {"person": uma, "person_role": "singer", "do": "preview"}
    page = form.post(f"/piece/{work}/credits", {"form_token": form.get("/post").token, **said})
    assert "Uma Second has asked to be asked first: until they accept it, nobody" in page.text_seen
    assert served.operator.post("/credits", credit | {"role": "writer"}).json["warnings"] == []


def test_a_list_of_sources_says_that_there_are_none(served: Served) -> None:
    poem = served.post_piece("A poem", by=served.admit("Ana"))
    page = reader(served).sign_in(OPERATOR_KEY).get(f"/list/{poem}")
    assert "No sources are on record." in page.text_seen


def test_the_commands_on_the_audit_page_work_as_they_are_printed(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.admit("Ana Mere")
    served.service.log.catch_up()
    position = served.head
    receipt = served.operator.get(f"/facts/{position}/receipt").text
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stemma-fact-27.receipt").write_text(receipt)
    page = reader(served).get("/audit").text
    printed = [
        unescape(one) for one in re.findall(r"<code>(stemma (?:mirror|verify) .*--.*?)<", page)
    ]
    assert [one.split()[1] for one in printed] == ["mirror", "verify"]
    for one in printed:
        done = CliRunner().invoke(main, shlex.split(one)[1:])
        assert done.exit_code == 0, (one, done.output)
    assert (tmp_path / "log-folder").is_dir()


def test_a_form_says_which_credit_or_remix_it_is_about_in_the_words_of_other_forms(
    served: Served,
) -> None:
    ana = served.admit("Ana Oar")
    song = served.post_piece("An oar", served.post_piece("A boat"), by=ana)
    told = served.operator.get(f"/works/{song}").json
    own = signed_in(served, ana)
    form = own.get(f"/do/credit.correct?id={told['credits'][0]['id']}").text_seen
    assert "Credit: Ana Oar, writer on An oar" in form
    for label in ("Shown as", "Name on the credit", "Before the next name", "Made with AI"):
        assert label in form
        assert label in own.get("/post").text_seen
    form = own.get(f"/do/remix.decline?id={told['sources'][0]['remix']}").text_seen
    assert "Remix: An oar made from A boat (adaptation)" in form


def test_a_hidden_credit_names_nobody_and_tells_its_person_how_it_is_shown(served: Served) -> None:
    ana, ben = served.admit("Ana Veil"), served.admit("Ben Veil")
    work = served.post_piece("A veil", by=ana)
    credit = served.operator.get(f"/works/{work}").json["credits"][0]["id"]
    own, other = signed_in(served, ana), signed_in(served, ben)
    page = own.get(f"/credit/{credit}").text_seen
    assert ("Put your name back" in page, "Hide your name on" in page) == (False, True)
    assert "shown to others without the name" not in page
    served.acting(ana).post(f"/credits/{credit}/hide")
    page = own.get(f"/credit/{credit}").text_seen
    assert "shown to others without the name" in page
    assert ("Put your name back" in page, "Hide your name on" in page) == (True, False)
    seen = other.get(f"/piece/{work}").text_seen + other.get(f"/credit/{credit}").text_seen
    assert seen.lower().count("someone who is not named, writer") == 2
    assert "someone who is not named writer" in " ".join(seen.split())
    assert not {"None", "Ana", "erased"} & {*re.findall(r"\w+", seen)}


def test_a_dispute_about_a_hidden_credit_is_answered_and_names_nobody_else(served: Served) -> None:
    """Those who may not read whose it is answer all the same, and no one is said to be another."""
    ana, cid = served.admit("Ana Hood"), served.admit("Cid Hood")
    work = served.acting(cid).post("/contributions", title="A hood", medium="text").id
    said = {"work": work, "contributor": ana, "role": "drummer"}
    credit = served.acting(cid).post("/credits", said).id
    served.acting(ana).post(f"/credits/{credit}/dispute", DISPUTE)
    served.acting(ana).post(f"/credits/{credit}/hide")
    poster = signed_in(served, cid)
    page = poster.get(f"/credit/{credit}")
    disputed = page.text_seen.partition("What is disputed")[2]
    assert disputed.lstrip().startswith("someone who is not named")
    assert "the operator" not in disputed
    (seen,) = set(re.findall(r'name="seen" value="(\d+)"', page.text))
    said = {"form_token": page.token, "seen": seen, "reason": "She drummed."}
    assert poster.post(f"/credit/{credit}/answer", said).status == 303
    page = poster.get(f"/credit/{credit}")
    said = {"form_token": page.token, "seen": seen, "outcome": "upheld", "reason": "She is right."}
    assert poster.post(f"/credit/{credit}/settle", said).status == 409, "it has changed since"
    assert "Ana" not in page.text_seen


def test_a_sentence_tells_dates_and_own_acts_as_people_say_them(served: Served) -> None:
    ana, band = served.admit("Ana Salt"), served.admit("The Salts")
    inside = served.acting(band).post("/memberships", group=band, contributor=ana).id
    served.acting(ana).post(f"/memberships/{inside}/accept")
    served.acting(ana).post(f"/memberships/{inside}/date", during="2019/2024")
    told = signed_in(served, ana).get(f"/membership/{inside}").text_seen
    assert "Ana Salt stated that they were in The Salts 2019 to 2024" in told
    assert "Ana Salt agreed that they are in The Salts" in told
    assert "The Salts said that Ana Salt is in The Salts" in told
    song = served.post_piece("Salt")
    credit = served.operator.post("/credits", work=song, contributor=ana, role="singer").id
    served.acting(ana).post(f"/credits/{credit}/accept")
    history = signed_in(served, ana).get(f"/history/{song}").text_seen
    assert "Ana Salt accepted their credit on Salt" in history
    assert "credited Ana Salt as singer" in history


@pytest.mark.parametrize(
    "what, said",
    [("revenue", {"source": "store"}), ("expenses", {"category": "printing", "payer": "house"})],
)
def test_every_booking_of_a_pool_is_on_a_page_of_it(
    served: Served, what: str, said: dict[str, str]
) -> None:
    post = served.operator.post
    whole = post("/releases", title="W", components=[{"work": served.post_piece("A psalm")}]).id
    terms = {"type": "fixed", "shares": [["house", "1"]]}
    pool = {"name": "x", "kind": "song", "currency": "NOK", "terms": terms}
    path = f"/pools/{post(f'/releases/{whole}/pools', pool).id}"
    amounts = {100_000 + number for number in range(31)}
    for amount in sorted(amounts):
        body = {**said, "amount_minor": amount, "effective_at": "2026-01"}
        assert post(f"{path}/{what}", body).status == 201
    kim, page, seen = reader(served).sign_in(OPERATOR_KEY), path.replace("pools", "pool"), []
    while page:
        text = kim.get(page).text
        seen += re.findall(r"<span>(1,\d\d\d\.\d\d) NOK", text)
        found = re.search(rf'href="([^"]+)#{what}" rel="next"', text)
        page = path.replace("pools", "pool") + unescape(found[1]) if found else ""
    assert seen == [f"{amount / 100:,.2f}" for amount in sorted(amounts)]
