"""Pages that were left open while something happened: what their buttons still do, and what not.

Rule: a button does what its page said, once, or says what has changed; what was typed is kept.
"""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from serving import OPERATOR_KEY, Served, serving
from test_pages import Page, Reader, reader


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
