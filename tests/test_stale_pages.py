"""Pages that were left open while something happened: what their buttons still do, and what not.

Rule: a button does what its page said, once, or says what has changed; what was typed is kept.
"""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from serving import OPERATOR_KEY, Served, serving
from test_pages import Page, Reader, reader, signed_in

from api.web import statements
from api.web.statements import ShopFile
from domain.lines import Line

CHANGED = "Something has changed since the preview"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(f"sqlite:///{tmp_path_factory.mktemp('stale') / 'stemma.db'}") as running:
        yield running


def hidden(page: Page, action: str) -> dict[str, str]:
    """The hidden fields of the form that is sent to a path."""
    (form,) = re.findall(
        rf'<form method="post"[^>]* action="{action}"[^>]*>(.*?)</form>', page.text, re.DOTALL
    )
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)
    return {name: unescape(value) for name, value in found}


def lines(page: Page) -> list[str]:
    """What the lines of a preview keep, so that the next one can be compared with it."""
    return re.findall(r'name="line" value="(\w+)"', page.text)


def marked(page: Page) -> list[str]:
    """The lines of a preview that are marked as changed, without the rest of their rows."""
    found = re.findall(
        r"<(?:th|li)\b[^>]*>(?:(?!</?(?:th|li)\b).)*</(?:th|li)>", page.text, re.DOTALL
    )
    told = (" ".join(re.sub(r"<[^>]*>", "", one).split()) for one in found)
    return [one.removesuffix(" changed") for one in told if one.endswith(" changed")]


def pool_of(served: Served, title: str, *makers: str, **more: Any) -> tuple[str, str]:
    """A pool of a release with one piece, and the piece."""
    piece = served.post_piece(title)
    for one in makers:
        served.operator.post("/credits", work=piece, contributor=one, role="writer")
    parts = [{"work": piece, "rate": "1"}]
    whole = served.operator.post("/releases", title=f"{title} (Single)", components=parts).id
    said = {"name": title, "kind": "song", "currency": "EUR", "terms": {"type": "agreed"}} | more
    return served.operator.post(f"/releases/{whole}/pools", said).id, piece


# -- the session ended ---------------------------------------------------------------------------


def sign_in_again(served: Served, window: Reader, asked: Page, key: str) -> dict[str, str]:
    """The form that was kept over the end of a session, to be sent again."""
    assert asked.status == 401
    page = window.post("/sign-in", hidden(asked, "/sign-in") | {"key": key})
    assert "what you wrote is still here" in page.text_seen
    (action,) = re.findall(r'<main.*<form method="post" action="([^"]+)"', page.text, re.DOTALL)
    return hidden(page, action)


def test_a_key_that_was_to_end_ends_although_one_had_to_sign_in_again(served: Served) -> None:
    """The button was forgotten meanwhile, and a new key was made instead."""
    ana, keys = served.admit("Ana of the keys"), served.service.keys
    used, leaked = keys.create(ana), keys.create(ana)
    window = reader(served).sign_in(used)
    token = window.get("/own-keys").token
    keys.revoke(used)
    end = {"form_token": token, "key": keys.named(leaked).name, "grace_hours": "24", "do": "end"}
    kept = sign_in_again(served, window, window.post("/own-keys", end), keys.create(ana))
    assert window.post("/own-keys", kept).status == 303
    assert keys.holder_of(leaked) is None
    valid = [one for one in served.acting(ana).get("/keys").items if one["state"] == "valid"]
    assert len(valid) == 2, "the one signed in with again, and the one that asks"


def test_payouts_that_came_back_have_not_arrived_because_one_had_to_sign_in_again(
    served: Served,
) -> None:
    """Every payout of the page was recorded as arrived, because its boxes are ticked for that."""
    terms = {"type": "fixed", "shares": [["alto", "1/2"], ["bass", "1/2"]]}
    pool, _ = pool_of(served, "A glee", currency="SEK", terms=terms)
    sale = {"amount_minor": 9_000, "source": "store", "effective_at": "2026-01"}
    served.operator.post(f"/pools/{pool}/revenue", sale)
    batch = served.operator.post("/payout-batches", currency="SEK", payees=["alto", "bass"]).id
    payouts = [one["id"] for one in served.operator.get("/payouts", batch=batch).items]
    window, path = reader(served).sign_in(OPERATOR_KEY), f"/desk/accountant/batch/{batch}"
    typed = {"settle": payouts, "return": payouts[0], "reference": "B7", "reason": "Closed."}
    entered = window.post(path, {**typed, "form_token": window.get(path).token, "do": ""})
    assert entered.status == 422
    assert "Press “They arrived” or “They came back”." in entered.text_seen
    assert 'value="Closed."' in entered.text, "as when Enter is pressed in a field"
    token, window.cookies = window.get(path).token, {}
    asked = window.post(path, {**typed, "form_token": token, "do": "return"})
    kept = sign_in_again(served, window, asked, OPERATOR_KEY)
    assert window.post(path, kept).status == 303
    states = {one["id"]: one["state"] for one in served.operator.get("/payouts", batch=batch).items}
    assert states == {payouts[0]: "returned", payouts[1]: "issued"}


def test_of_two_who_say_that_payouts_arrived_the_second_learns_which_had(served: Served) -> None:
    """“This payout is settled” was said of a page with many."""
    terms = {"type": "fixed", "shares": [["alto", "1/2"], ["bass", "1/2"]]}
    pool, _ = pool_of(served, "A hymn", currency="DKK", terms=terms)
    sale = {"amount_minor": 9_000, "source": "store", "effective_at": "2026-01"}
    served.operator.post(f"/pools/{pool}/revenue", sale)
    batch = served.operator.post("/payout-batches", currency="DKK").id
    first, second = (one["id"] for one in served.operator.get("/payouts", batch=batch).items)
    window, path = reader(served).sign_in(OPERATOR_KEY), f"/desk/accountant/batch/{batch}"
    said = {"form_token": window.get(path).token, "settle": [first, second], "do": "settle"}
    served.operator.post(f"/payouts/{second}/settle", reference="B8")
    head = served.head
    told = window.post(path, said | {f"reference-{first}": "B9"})
    name = served.operator.get(f"/payouts/{second}").json["payee"]["name"]
    assert f"The payout to {name} has changed since this page was shown: arrived." in told.text_seen
    assert (told.status, served.head) == (409, head)
    assert 'value="B9"' in told.text
    ticked = re.findall(r'name="settle" value="([^"]+)" checked', told.text)
    assert ticked == [first]
    assert window.post(path, said | {"settle": ticked}).status == 303


def test_a_comment_of_somebody_who_may_no_longer_read_a_proposal_is_not_lost(
    served: Served,
) -> None:
    """Their credit was revoked while they wrote: the page that refuses says what they wrote."""
    ana, cy = served.admit("Ana of the talk"), served.admit("Cy of the talk")
    pool, piece = pool_of(served, "A madrigal", ana)
    credit = served.operator.post("/credits", work=piece, contributor=cy, role="editor").id
    assets = [{"asset": piece, "value": "1", "shares": [[ana, "1"]]}]
    proposal = served.operator.post(f"/pools/{pool}/proposals", assets=assets).id
    window, path = signed_in(served, cy), f"/proposal/{proposal}"
    said = {"form_token": window.get(path).token, "kind": "left_out", "text": "I cut <a> verse."}
    served.operator.post(f"/credits/{credit}/revoke", reason="A mistake.")
    told = window.post(f"{path}/comment", said)
    assert (told.status, "I cut &lt;a&gt; verse." in told.text) == (403, True)
    elsewhere = window.post(f"{path}/comment", said, Sec_Fetch_Site="cross-site")
    assert (elsewhere.status, "verse" in elsewhere.text) == (403, False)


# -- previews ------------------------------------------------------------------------------------


def test_shares_are_proposed_as_the_preview_computed_them(served: Served) -> None:
    """Somebody was credited in between: they had a share that the producer never saw."""
    ana, ben = served.admit("Ana of the rates"), served.admit("Ben of the rates")
    pool, piece = pool_of(served, "A round", ana)
    window, path = reader(served).sign_in(OPERATOR_KEY), f"/pool/{pool}/propose"
    typed = {"way": "rates", "default_rate": "0", "comment_days": "14"}

    def proposals() -> list[Any]:
        found: list[Any] = served.operator.get(f"/pools/{pool}").json["proposals"]
        return found

    sent: dict[str, Any] = hidden(window.get(path), path) | typed
    first = window.post(path, sent | {"do": "preview"})
    assert marked(first) == []
    served.operator.post("/credits", work=piece, contributor=ben, role="editor")
    sent |= {"seen": hidden(first, path)["seen"], "do": "record", "default_rate": "0 %"}
    sent["line"] = lines(first)
    second = window.post(path, sent)
    assert (second.status, CHANGED in second.text_seen) == (200, True)
    assert sorted(marked(second)) == ["Ana of the rates", "Ben of the rates"]
    assert proposals() == []
    sent["seen"] = hidden(second, path)["seen"]
    recorded, head = window.post(path, sent), served.head
    assert recorded.status == 303
    assert "-before" in window.post(path, sent).headers["Set-Cookie"], "a double click"
    assert served.head == head
    (proposal,) = proposals()
    shares = served.operator.get(f"/proposals/{proposal['id']}").json["shares"]
    assert {one["payee"]["id"]: one["share"] for one in shares} == {ana: "1/2", ben: "1/2"}


def test_of_two_who_propose_shares_at_once_the_second_sees_the_first(served: Served) -> None:
    """Payees were asked about two proposals, of which neither producer knew the other's."""
    ana = served.admit("Ana of two proposals")
    pool, piece = pool_of(served, "A part song", ana)
    window, path = reader(served).sign_in(OPERATOR_KEY), f"/pool/{pool}/propose"
    page = window.get(path)
    assert "proposed already" not in page.text_seen
    sent = hidden(page, path) | {"way": "hand", "payee": ana, "share": "1"}
    sent |= {"seen": hidden(window.post(path, sent | {"do": "preview"}), path)["seen"]}
    assets = [{"asset": piece, "value": "1", "shares": [[ana, "1"]]}]
    other = served.operator.post(f"/pools/{pool}/proposals", assets=assets).id
    told = window.post(path, sent | {"do": "record"})
    assert (CHANGED in told.text_seen, f'href="/proposal/{other}"' in told.text) == (True, True)
    after = told.text_seen.partition(CHANGED)[2]
    assert "Shares of this pool are proposed already" in after, "below what leads the eye there"
    sent["seen"] = hidden(told, path)["seen"]
    assert window.post(path, sent | {"do": "record"}).status == 303


@pytest.mark.parametrize("verb", ["extend", "withdraw"])
@pytest.mark.parametrize("meanwhile", ["extend", "revise"])
def test_a_proposal_that_has_changed_is_neither_extended_nor_withdrawn_unseen(
    verb: str, meanwhile: str, served: Served
) -> None:
    """Another producer had answered the comments with a revision, or already given more time."""
    ana = served.admit("Ana of the window")
    pool, piece = pool_of(served, "A glee", ana, currency="NOK")
    assets = [{"asset": piece, "value": "1", "shares": [[ana, "1"]]}]
    proposal = served.operator.post(f"/pools/{pool}/proposals", assets=assets).id
    said = {"kind": "other", "text": "Why?"}
    comment = served.operator.post(f"/proposals/{proposal}/comments", said).id
    window, page = reader(served).sign_in(OPERATOR_KEY), f"/proposal/{proposal}"
    typed = {"extend": {"closes_at": "2099-02-01"}, "withdraw": {"reason": "The wrong pool."}}
    sent = hidden(window.get(page), f"{page}/{verb}") | typed[verb]
    other = {
        "extend": {"closes_at": "2099-01-01"},
        "revise": {"assets": assets, "comments": [comment]},
    }
    assert (
        served.operator.post(f"/proposals/{proposal}/{meanwhile}", other[meanwhile]).status == 200
    )
    head, told = served.head, window.post(f"{page}/{verb}", sent)
    assert (told.status, served.head) == (409, head)
    assert "Something has changed since this page was shown" in told.text_seen
    assert next(iter(typed[verb].values())) in told.text, "what was typed is kept"
    sent = hidden(told, f"{page}/{verb}") | typed[verb]
    assert window.post(f"{page}/{verb}", sent).status == 303
    assert "-before" in window.post(f"{page}/{verb}", sent).headers["Set-Cookie"], "a double click"


def test_a_preview_warns_of_what_the_api_would_warn_of(served: Served) -> None:
    """Forms with a preview recorded it, and the warning was shown to nobody."""
    pool, _ = pool_of(served, "A ballad", served.admit("Ana of the ballad"))
    window, path = reader(served).sign_in(OPERATOR_KEY), f"/pool/{pool}/propose"
    sent: dict[str, Any] = hidden(window.get(path), path)
    sent |= {"way": "hand", "payee": ["Ballad Records", "ballad records"], "share": ["1", "1"]}
    shown = window.post(path, sent | {"do": "preview"})
    assert "“ballad records” differs from “Ballad Records” only in case" in shown.text_seen
    sent |= {"seen": hidden(shown, path)["seen"], "do": "record"}
    assert window.post(path, sent).status == 303


def test_of_two_who_open_a_pool_at_once_the_second_sees_the_first(served: Served) -> None:
    """A pool stays for ever, and sales would have been recorded in either."""
    song = served.post_piece("A motet")
    parts = [{"work": song, "rate": "1"}]
    whole = served.operator.post("/releases", title="A motet (Single)", components=parts).id
    path = f"/release/{whole}/pool"
    typed = {"template": "agreed", "name": "The motet", "kind": "song", "currency": "EUR"}
    forms = list[tuple[Reader, dict[str, str]]]()
    for window in (reader(served).sign_in(OPERATOR_KEY) for _ in range(2)):
        sent = hidden(page := window.get(path), path) | typed
        assert "already" not in page.text_seen.partition("Open a pool")[2]
        seen = hidden(window.post(path, sent | {"do": "preview"}), path)["seen"]
        forms.append((window, sent | {"seen": seen, "do": "record"}))
    (first, said), (second, same) = forms
    assert first.post(path, said).status == 303
    assert "-before" in first.post(path, said).headers["Set-Cookie"], "a double click"
    told = second.post(path, same)
    assert (told.status, CHANGED in told.text_seen) == (200, True)
    after = told.text_seen.partition(CHANGED)[2]
    assert "It has a pool already: The motet (EUR)." in after, "below what leads the eye there"
    assert len(served.operator.get(f"/releases/{whole}/pools").items) == 1


def test_what_is_typed_otherwise_than_it_is_shown_is_the_same(served: Served) -> None:
    """“1/20” became “5 %”, and so the first press of the button did nothing and said nothing."""
    pool, _ = pool_of(served, "A catch", served.admit("Ana of the catch"))
    window, path = reader(served).sign_in(OPERATOR_KEY), f"/pool/{pool}/propose"
    sent = hidden(window.get(path), path) | {"way": "rates", "default_rate": "1/20"}
    shown = window.post(path, sent | {"do": "preview"})
    assert 'name="default_rate" value="5 %"' in shown.text
    sent |= {"default_rate": "5 %", "seen": hidden(shown, path)["seen"], "do": "record"}
    assert window.post(path, sent).status == 303


def test_who_changed_the_form_after_its_preview_is_not_told_that_something_else_changed(
    served: Served,
) -> None:
    pool, _ = pool_of(served, "A fugue", served.admit("Ana of the fugue"))
    window, path = reader(served).sign_in(OPERATOR_KEY), f"/pool/{pool}/propose"
    sent = hidden(window.get(path), path) | {"way": "rates", "default_rate": "5 %"}
    sent |= {"seen": hidden(window.post(path, sent | {"do": "preview"}), path)["seen"]}
    told = window.post(path, sent | {"default_rate": "6 %", "do": "record"}).text_seen
    assert "What you typed was changed after the preview. It would now do this." in told
    assert CHANGED not in told
    assert served.operator.get(f"/pools/{pool}").json["proposals"] == []


def test_terms_are_amended_from_what_the_preview_showed_before(served: Served) -> None:
    """Of two who amend the same terms, the second did not learn of the first; nor did somebody who
    went back to a form of their own, and sent it again."""
    pool, _ = pool_of(served, "A canon", served.admit("Ana of the canon"))
    path = f"/pool/{pool}/amend"
    windows = [reader(served).sign_in(OPERATOR_KEY) for _ in range(2)]
    typed = {"template": "house", "blank-house": "the house", "effective_at": "2026-01"}

    def filled(window: Reader, part: str) -> dict[str, str]:
        said = hidden(window.get(path), path) | typed | {"blank-part": part, "reason": part}
        return said | {"seen": hidden(window.post(path, said | {"do": "preview"}), path)["seen"]}

    def reasons() -> list[str | None]:
        return [one["reason"] for one in served.operator.get(f"/pools/{pool}").json["amendments"]]

    first, second = (
        filled(window, part) for window, part in zip(windows, ("10 %", "50 %"), strict=True)
    )
    record = {"do": "record"}
    assert windows[0].post(path, first | record).status == 303
    assert "-before" in windows[0].post(path, first | record).headers["Set-Cookie"]
    told = windows[1].post(path, second | record)
    assert (told.status, CHANGED in told.text_seen) == (200, True)
    assert 'name="reason" value="50 %"' in told.text
    assert reasons() == [None, "10 %"]
    second["seen"] = hidden(told, path)["seen"]
    assert windows[1].post(path, second | record).status == 303
    assert CHANGED in windows[0].post(path, first | record).text_seen
    assert reasons() == [None, "10 %", "50 %"]


def test_of_two_who_divide_the_shares_of_a_group_the_second_sees_what_it_replaces(
    served: Served,
) -> None:
    band, ben = served.admit("The Stale Rocks"), served.admit("Ben of the rocks")
    member = served.acting(band).post("/memberships", group=band, contributor=ben).id
    served.acting(ben).post(f"/memberships/{member}/accept")
    window, path = reader(served).sign_in(OPERATOR_KEY), f"/statement/{band}/division"
    sent = {**hidden(window.get(path), path), "payee": ben, "part": "25 %"}
    seen = hidden(window.post(path, sent | {"do": "preview"}), path)["seen"]
    served.acting(band).post(
        f"/contributors/{band}/divide", among=[{"contributor": ben, "part": "1/2"}]
    )
    told = window.post(path, sent | {"do": "record", "seen": seen})
    assert (told.status, CHANGED in told.text_seen) == (200, True)
    assert re.search(r"Ben of the rocks\s*50 %\s*25 %", told.text_seen), "so far, and from then on"
    seen = hidden(told, path)["seen"]
    assert window.post(path, sent | {"do": "record", "seen": seen}).status == 303


def test_accounts_are_merged_as_the_preview_said(served: Served) -> None:
    """Others go on crediting an account while somebody looks at what its merger would change."""
    old, new = served.admit("Dee of the merger"), served.admit("Dee who stays")
    window, path = reader(served).sign_in(OPERATOR_KEY), "/do/contributor.merge"
    said = hidden(window.get(path), path) | {"id": old, "into": new, "reason": "The same person."}
    shown = window.post(path, said | {"do": "preview"})
    poem = served.post_piece("Credited meanwhile", by=old)
    sent: dict[str, Any] = hidden(shown, path) | {"line": lines(shown)}
    told = window.post(path, sent)
    assert (told.status, CHANGED in told.text_seen) == (200, True)
    (only,) = marked(told)
    assert only.startswith("1 credit on 1 work")
    sent = hidden(told, path)
    assert window.post(path, sent).status == 303
    assert "-before" in window.post(path, sent).headers["Set-Cookie"], "a double click"
    found = served.operator.get(f"/works/{poem}/contributors").text
    assert (new in found, "Dee of the merger" in found) == (True, False)


@pytest.mark.parametrize("command", ["join.undo", "contribution.withdraw"])
def test_a_double_click_on_a_preview_records_once_and_says_so(served: Served, command: str) -> None:
    """Also where the preview could not be made again, as what it was about is over."""
    works = [served.post_piece(f"{command} {n}") for n in range(2)]
    join = served.operator.post("/joins", work=works[0], into=works[1], reason="The same.").id
    window, path = reader(served).sign_in(OPERATOR_KEY), f"/do/{command}"
    said = {"id": join if command == "join.undo" else works[0], "reason": "They are not."}
    shown = window.post(path, hidden(window.get(path), path) | said | {"do": "preview"})
    sent = hidden(shown, path)
    assert window.post(path, sent).status == 303
    head, again = served.head, window.post(path, sent)
    assert (again.status, "-before" in again.headers["Set-Cookie"]) == (303, True)
    assert served.head == head


def test_a_name_that_was_changed_meanwhile_is_not_changed_unseen(served: Served) -> None:
    eve = served.admit("Eve of the names")
    window, path = reader(served).sign_in(OPERATOR_KEY), "/do/contributor.rename"
    said = hidden(window.get(path), path) | {"id": eve, "name": "Eva", "former": "kept"}
    sent = hidden(window.post(path, said | {"do": "preview"}), path)
    own = {"name": "Eve by her own choice", "former": "kept"}
    served.acting(eve).post(f"/contributors/{eve}/rename", own)
    told = window.post(path, sent)
    assert (CHANGED in told.text_seen, "Eve by her own choice" in told.text_seen) == (True, True)
    assert served.operator.get(f"/contributors/{eve}").json["name"] == own["name"]


# -- statements of shops ---------------------------------------------------------------------------


def test_a_statement_is_recorded_as_the_preview_said(served: Served) -> None:
    """What somebody records by hand meanwhile is warned of before it is there twice."""
    pool, _ = pool_of(served, "A dirge", served.admit("Ana of the dirge"))
    served.operator.post("/contributors", name="Kim of the statements")
    windows, path = (
        [reader(served).sign_in(OPERATOR_KEY) for _ in range(2)],
        "/desk/accountant/import",
    )
    file = f"Pool;Store;Period;Statement;Amount\n{pool};Shop;2026-01;s1;9.00\n"

    def uploaded(window: Reader) -> Page:
        token, edge = window.get(path).token, "edge"
        parts = [
            ("form_token", "", token),
            ("form", "", "sales"),
            ("file", '; filename="s.csv"', file),
        ]
        body = "".join(
            f'--{edge}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{text}\r\n'
            for name, more, text in parts
        )
        type = f"multipart/form-data; boundary={edge}"
        return window.send(
            "POST",
            path,
            f"{body}--{edge}--\r\n".encode(),
            {
                "Content_Type": type,
                "Origin": served.origin,
                "Sec_Fetch_Site": "same-origin",
            },
        )

    def booked() -> list[int]:
        return [one["amount_minor"] for one in served.operator.get(f"/pools/{pool}/revenue").items]

    sent, other = (hidden(uploaded(window), path) | {"do": "record"} for window in windows)
    by_hand = {"amount_minor": 900, "source": "Shop", "effective_at": "2026-01", "document": "s1"}
    served.operator.post(f"/pools/{pool}/revenue", by_hand)
    told = windows[0].post(path, sent)
    assert (CHANGED in told.text_seen, booked()) == (True, [900])
    assert "9.00 EUR" in told.text_seen
    sent["seen"] = hidden(told, path)["seen"]
    assert "1 recorded" in windows[0].post(path, sent).text_seen
    assert booked() == [900, 900], "asked for on purpose"
    for window, again in ((windows[0], sent), (windows[1], other)):
        page = window.post(path, again)
        assert (CHANGED in page.text_seen, "1 recorded before" in page.text_seen) == (False, True)
    assert booked() == [900, 900]


def test_a_statement_is_decided_again_only_if_others_wrote_meanwhile(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the preview tried is what is recorded; deciding it takes the time."""
    ana = served.admit("Ana of the psalm")
    pool, _ = pool_of(served, "A psalm", terms={"type": "fixed", "shares": [[ana, "1"]]})
    kim, path = reader(served).sign_in(OPERATOR_KEY), "/desk/accountant/import"
    place_of, warn = statements.place_of, statements.warn_of_others
    decided, writing = list[str](), list[int]()

    def counting(line: Line, number: int) -> str:
        decided.append(place_of(line, number))
        return decided[-1]

    def written_meanwhile(*of: Any) -> None:
        warn(*of)
        for amount in writing:
            by_hand = {"amount_minor": amount, "source": "Hand", "effective_at": "2026-01"}
            served.operator.post(f"/pools/{pool}/revenue", by_hand)

    monkeypatch.setattr(statements, "place_of", counting)
    monkeypatch.setattr(statements, "warn_of_others", written_meanwhile)

    def recorded(document: str, *meanwhile: int) -> list[int]:
        decided.clear()
        writing[:] = meanwhile
        file = f"Pool;Store;Period;Statement;Amount\n{pool};Shop;2026-01;{document};9.00\n"
        said = {"form": "sales", "kept": ShopFile(file.encode(), "sales", {}).kept, "do": "record"}
        page = kim.post(path, said | {"form_token": kim.get(path).token})
        assert "1 recorded" in page.text_seen
        return [one["amount_minor"] for one in served.operator.get(f"/pools/{pool}/revenue").items]

    assert (sorted(recorded("p1")), len(decided)) == ([900], 1)
    assert (sorted(recorded("p2", 300)), len(decided) > 1) == ([300, 900, 900], True)


def test_a_statement_with_too_many_shares_for_a_request_names_the_other_way(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Revenue of two payees in three lines is six shares."""
    people = [served.admit(f"{one} of the canon") for one in ("Ana", "Ben")]
    shares = [[one, "1"] for one in people]
    pool, _ = pool_of(served, "A canon", terms={"type": "fixed", "shares": shares})
    kim, path = reader(served).sign_in(OPERATOR_KEY), "/desk/accountant/import"
    lines = "".join(f"{pool};Shop;2026-01;c{number};9.00\n" for number in range(3))
    kept = ShopFile(f"Pool;Store;Period;Statement;Amount\n{lines}".encode(), "sales", {}).kept
    said = {"form": "sales", "kept": kept, "form_token": kim.get(path).token}
    for most, do, status in ((5, "preview", 413), (5, "record", 413), (6, "record", 200)):
        monkeypatch.setattr(statements, "MOST_SHARES", most)
        page = kim.post(path, said | {"do": do})
        refused = "more than 5 shares at once; use “stemma import” for more, or split the file"
        assert (page.status, refused in page.text_seen) == (status, status == 413)
        booked = len(served.operator.get(f"/pools/{pool}/revenue").items)
        assert booked == (3 if status == 200 else 0)
