"""What waits for somebody, and what they were told: the newest first, each with the way to it.

Rule: every way is followed, by whom it was told; where something can be done about it, it is done.
"""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from clocks import AheadClock
from serving import Served, serving
from test_pages import Reader, signed_in


@pytest.fixture
def clock() -> AheadClock:
    return AheadClock()


@pytest.fixture
def served(database: str, clock: AheadClock) -> Iterator[Served]:
    with serving(database, public_pages=True, clock=clock) as running:
        yield running


def earn(served: Served, clock: AheadClock, people: list[str]) -> tuple[str, str]:
    """The ids of an agreement by which these share alike, and of its pool with money in it."""
    post = served.operator.post
    song = served.post_piece("A song that earns", by=people[0])
    whole = post("/releases", title="It earns", components=[{"work": song}]).id
    post(f"/releases/{whole}/publish", {})
    said = {"name": "its pool", "kind": "song", "currency": "EUR", "terms": {"type": "agreed"}}
    pool = post(f"/releases/{whole}/pools", said).id
    assets = [{"asset": song, "value": "1", "shares": [[one, "1"] for one in people]}]
    proposal = post(f"/pools/{pool}/proposals", assets=assets).id
    clock.ahead += timedelta(days=15)
    post(f"/proposals/{proposal}/finalise")
    post(f"/pools/{pool}/revenue", source="shop", effective_at="2026-06", amount_minor=10_000)
    return proposal, pool


def send(someone: Reader, path: str, page: str, **said: str) -> None:
    """Send a form of a page, and see that it was taken."""
    token = someone.get(page).token
    assert someone.post(path, {"form_token": token, **said}).status == 303


def test_everything_somebody_was_told_leads_to_where_it_can_be_seen_or_answered(
    served: Served, clock: AheadClock
) -> None:
    ana, ben = served.admit("Ana"), served.admit("Ben")
    proposal, pool = earn(served, clock, [ana, ben])
    post = served.operator.post
    as_ana = signed_in(served, ana)
    assert f'href="/proposal/{proposal}">Answer' in as_ana.get("/waiting").text
    send(as_ana, f"/proposal/{proposal}/accept", f"/proposal/{proposal}")
    song = served.operator.get("/works?kind=contribution").items[0]["id"]
    credit = served.operator.get(f"/works/{song}").json["credits"][0]["id"]
    served.acting(ana).post(f"/credits/{credit}/accept")
    remix = served.post_piece("A remix of it", song, by=ben)
    edge = served.operator.get(f"/works/{remix}").json["sources"][0]["remix"]
    served.acting(ben).post(
        f"/remixes/{edge}/dispute", grounds="other", reason="Not so.", evidence="the takes"
    )
    post(f"/remixes/{edge}/settle", outcome="dismissed", reason="It is so.")
    served.acting(ben).post(
        f"/credits/{credit}/dispute", grounds="other", reason="Not hers.", evidence="the takes"
    )
    post(f"/credits/{credit}/settle", outcome="dismissed", reason="It is hers.")
    post(f"/credits/{credit}/hold", reason="For a day.")
    post(f"/credits/{credit}/lift-hold")
    batch = post("/payout-batches", currency="EUR", payees=[ana]).id
    payout = served.operator.get(f"/payouts?batch={batch}").items[0]["id"]
    post(f"/payouts/{payout}/settle", reference="SEPA 17")
    post(f"/payouts/{payout}/return", reason="The account was closed.")
    second = post(
        f"/pools/{pool}/proposals", assets=[{"asset": "a", "value": "1", "shares": [[ana, "1"]]}]
    ).id
    post(f"/proposals/{second}/withdraw", reason="Too early.")
    page = as_ana.get("/waiting")
    told = re.findall(r'<li class="([a-z_]+)">', page.text)
    ways = re.findall(r'<a href="([^"]+)">view', page.text)
    assert [f"{way.split('/')[1]} {word}" for way, word in zip(ways, told, strict=True)] == [
        *("proposal withdrawn", "proposal posted"),
        *("statement returned", "statement settled", "statement issued"),
        *("credit lifted", "credit opened", "credit settled", "credit disputed"),
        *("remix settled", "remix disputed", "remix declared", "proposal offered"),
        *("proposal posted", "remix declared", "credit granted"),
    ]
    for way in ways:
        assert as_ana.get(way.partition("#")[0]).status == 200, way
    held = f"/credit/{credit}"
    assert held in ways
    assert "For a day." in as_ana.get(held).text_seen
    for someone in (signed_in(served, ben), Reader(served.operator.port)):
        assert "For a day." not in someone.get(held).text_seen
    assert ways[2] == f"/statement/{ana}#returned"
    assert 'id="returned"' in as_ana.get(f"/statement/{ana}").text


def test_a_payout_that_came_back_is_asked_for_again_by_its_payee_alone(
    served: Served, clock: AheadClock
) -> None:
    ana, ben = served.admit("Ana"), served.admit("Ben")
    proposal, _ = earn(served, clock, [ana, ben])
    for one in (ana, ben):
        served.acting(one).post(f"/proposals/{proposal}/share/accept")
    batch = served.operator.post("/payout-batches", currency="EUR").id
    for one in served.operator.get(f"/payouts?batch={batch}").items:
        served.operator.post(f"/payouts/{one['id']}/return", reason="No such account.")
    as_ana, as_ben = signed_in(served, ana), signed_in(served, ben)
    page = as_ana.get("/waiting")
    assert "50.00 EUR" in page.text_seen
    assert f'href="/statement/{ana}#returned"' in page.text
    (payout,) = re.findall('name="payout" value="([^"]+)"', as_ana.get(f"/statement/{ana}").text)
    claim, head = f"/statement/{ana}/claim", served.head
    token = as_ben.get("/post").token
    assert as_ben.post(claim, {"form_token": token, "payout": payout}).status == 403
    assert as_ben.post(claim, {"form_token": token}).status == 404
    assert served.head == head
    send(as_ana, claim, f"/statement/{ana}", payout=payout)
    assert "Payouts that came back" not in as_ana.get("/waiting").text_seen
    assert 'id="returned"' not in as_ana.get(f"/statement/{ana}").text
    assert served.operator.get(f"/payouts/{payout}").json["state"] == "claimed"
    assert "No such account." in as_ben.get("/waiting").text_seen


def test_what_somebody_was_told_comes_in_pages_the_newest_first(
    served: Served,
) -> None:
    ana = served.admit("Ana")
    poem = served.post_piece("A poem", by=ana)
    credit = served.operator.get(f"/works/{poem}").json["credits"][0]["id"]
    for number in range(30):
        served.operator.post(f"/credits/{credit}/hold", reason=f"Hold {number}.")
        served.operator.post(f"/credits/{credit}/lift-hold", reason=f"Free {number}.")
    as_ana = signed_in(served, ana)
    first = as_ana.get("/waiting")
    (further,) = re.findall(r'href="(\?[^"]+)" rel="next"', first.text)
    served.operator.post(f"/credits/{credit}/hold", reason="Later.")
    second = as_ana.get("/waiting" + further.replace("&amp;", "&"))
    told = re.findall("(?:Hold|Free|Later) ?[0-9]*[.]", first.text_seen + second.text_seen)
    assert told == [f"{what} {n}." for n in reversed(range(30)) for what in ("Free", "Hold")]
    assert "Later." in as_ana.get("/waiting").text_seen


def test_whoever_commented_is_told_of_the_answer_also_without_a_share(
    served: Served, clock: AheadClock
) -> None:
    ana, ben = served.admit("Ana"), served.admit("Ben who was left out")
    _, pool = earn(served, clock, [ana])
    post = served.operator.post
    assets = [{"asset": "all of it", "value": "1", "shares": [[ana, "1"]]}]
    proposal = post(f"/pools/{pool}/proposals", assets=assets).id
    said = {"kind": "left_out", "text": "I tuned the piano."}
    song = served.operator.get("/works?kind=contribution").items[0]["id"]
    served.acting(ben).post("/credits", work=song, contributor=ben, role="musician")
    first, second = (
        served.acting(ben).post(f"/proposals/{proposal}/comments", **said).id for _ in range(2)
    )
    post(f"/proposals/{proposal}/answer", comment=first, text="The tuner is paid by the hall.")
    post(f"/proposals/{proposal}/revise", comments=[second], assets=assets)
    page = signed_in(served, ben).get("/waiting").text
    assert re.findall(r'<li class="([a-z_]+)">', page) == ["revised", "answered"]


def test_a_message_after_a_form_is_for_who_sent_it_and_shown_once(served: Served) -> None:
    ana = served.admit("Ana")
    poem = served.post_piece("A poem", by=ana)
    credit = served.operator.get(f"/works/{poem}").json["credits"][0]["id"]
    as_ana = signed_in(served, ana)
    token = as_ana.get(f"/credit/{credit}").token
    answer = as_ana.post(f"/credit/{credit}/accept", {"form_token": token})
    place = answer.headers["Location"]
    assert "min_position" in place
    said = "This was recorded at position"
    for someone in (Reader(served.operator.port), signed_in(served, served.admit("Ben"))):
        assert said not in someone.get(place).text_seen
    assert said in as_ana.get(place).text_seen
    assert said not in as_ana.get(place).text_seen


def test_a_message_after_a_form_follows_it_to_another_address_and_is_told_to_nobody_else(
    served: Served,
) -> None:
    """A form may lead to an address that leads on: the release of a work, the project of a step."""
    ana = served.admit("Ana")
    said = {"goal": "A book.", "kind": "book", "steps": [{"title": "Words"}]}
    project = served.acting(ana).post("/projects", title="The tide", **said).id
    step = served.operator.get(f"/projects/{project}").json["steps"][0]["id"]
    as_ana, stranger = signed_in(served, ana), Reader(served.operator.port)
    token = as_ana.get(f"/do/step.describe?id={step}").token
    sent = {"form_token": token, "id": step, "title": "The words"}
    place = as_ana.post("/do/step.describe", sent).headers["Location"]
    assert place.startswith("/step/")
    told = "This was recorded at position"
    for someone in (stranger, as_ana):
        onward = someone.get(place).headers["Location"]
        assert onward.startswith(f"/project/{project}?min_position=")
        assert (told in someone.get(onward).text_seen) == (someone is as_ana)
        assert told not in someone.get(onward).text_seen


def count_in_menu(someone: Reader, served: Served) -> int:
    """How many the menu says to wait for the reader, once what was recorded is folded.

    A page waits only briefly for that, as nobody should wait long for a menu.
    """
    served.service.follower.catch_up()
    found = re.search(r'Waiting for you <b class="count">(\d+)</b>', someone.get("/audit").text)
    return int(found[1]) if found else 0


def test_the_menu_counts_what_waits_for_its_reader_and_nothing_else(served: Served) -> None:
    ana, ben = served.admit("Ana"), served.admit("Ben")
    as_ana, as_ben = signed_in(served, ana), signed_in(served, ben)
    poems = [served.post_piece(f"Poem {number}", by=ana) for number in range(3)]
    credits = [served.operator.get(f"/works/{one}").json["credits"][0]["id"] for one in poems]
    assert (count_in_menu(as_ana, served), count_in_menu(as_ben, served)) == (3, 0)
    page = as_ana.get("/waiting").text
    assert len(re.findall(r'<a class="button quiet" href="/credit/', page)) == 3
    send(as_ana, f"/credit/{credits[0]}/accept", f"/credit/{credits[0]}")
    send(as_ana, f"/credit/{credits[1]}/decline", f"/credit/{credits[1]}", reason="Not mine.")
    assert (count_in_menu(as_ana, served), count_in_menu(as_ben, served)) == (1, 0)
    as_ana.get("/waiting")  # to look is not to answer
    assert count_in_menu(as_ana, served) == 1
    assert "Waiting for you" not in Reader(served.operator.port).get("/audit").text_seen


def test_what_is_unread_is_marked_until_its_reader_says_so(served: Served) -> None:
    ana, ben = served.admit("Ana"), served.admit("Ben")
    as_ana, as_ben = signed_in(served, ana), signed_in(served, ben)
    for one in (ana, ben):
        served.post_piece("A poem", by=one)

    def new(someone: Reader) -> list[bool]:
        told = someone.get("/waiting").text.partition('id="notifications"')[2]
        return ["<b>New:</b>" in line for line in told.split("<li ")[1:]]

    assert (new(as_ana), new(as_ben)) == ([True], [True])
    assert new(as_ana) == [True]  # to look at a page is not to have read it
    before = as_ana.get("/waiting")
    (upto,) = re.findall('name="upto" value="(\\d+)"', before.text)
    served.post_piece("A later poem", by=ana)  # after the page was shown
    sent = {"form_token": before.token, "upto": upto}
    assert as_ana.post("/waiting", sent).headers["Location"] == "/waiting"
    assert (new(as_ana), new(as_ben)) == ([True, False], [True])
    send(as_ana, "/waiting", "/waiting", upto="99999999")  # no further than there is anything
    served.post_piece("The latest", by=ana)
    assert new(as_ana) == [True, False, False]
    send(as_ana, "/waiting", "/waiting", upto="1")  # what was read stays read
    assert new(as_ana) == [True, False, False]
    send(as_ana, "/waiting", "/waiting", upto=str(served.head))
    assert "Mark all as read" not in as_ana.get("/waiting").text_seen
