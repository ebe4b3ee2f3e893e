"""Who gets past which page and which form: every route of the pages is tried as it runs.

Rule: the routes are asked of the service itself, so a new one is held to the same unasked.
"""

import re
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

from serving import OPERATOR_KEY, Served, serving
from test_pages import Reader, reader, signed_in

OPEN = {
    *("/static/pictures.css", "/favicon.ico", "/", "/audit", "/docs", "/openapi.json"),
    *("/sign-in", "/farewell"),
}
"""What anybody may read, whatever the settings say."""
CLOSED = re.compile(
    r"/(waiting|own-(keys|webhooks|notifications)|do|desk|post|assemble|follows|proposal|entry|statement)\b"
    r"|/piece/[^/]+/(sources|cite|cred)|/release/[^/]+/pool|/pool/[^/]+/(propose|amend)"
)
"""What nobody reads without signing in, whatever the settings say."""
WITHOUT_SESSION = {"/sign-in", "/audit"}
"""The forms that somebody may send who has not signed in."""
LINKED = "/mail/"
"""What a link in a message may do: it holds a token (tests/test_mail.py)."""


def paths(served: Served, method: str) -> list[str]:
    """The address of every page, or of every form, about something that is not there."""
    found = [
        re.sub(r"<[^>]+>", lambda part: "eat" if part[0] == "<verb>" else str(uuid4()), rule.rule)
        for rule in served.app.url_map.iter_rules()
        if method in (rule.methods or ()) and rule.endpoint.startswith("pages.")
    ]
    assert len(found) > 8
    return found


def test_a_stranger_reads_only_what_is_open(served: Served, public: Served) -> None:
    for path in paths(served, "GET"):
        assert (reader(served).get(path).status == 200) == (path in OPEN), path
        is_closed = CLOSED.match(path) is not None
        assert (reader(public).get(path).status == 303) == is_closed, path


def test_who_may_describe_a_work_or_an_account_is_led_to_all_that_may_be_said_of_it(
    served: Served,
) -> None:
    ana, ben = served.admit("Ana"), served.admit("Ben")
    piece = served.acting(ana).post("/contributions", title="Song", medium="text").id
    said = {f"/piece/{piece}": ("join?work", "identifier?work", "work.describe?id")}
    said[f"/contributor/{ana}"] = ("identifier?contributor", "contributor.rename?id")
    for path, named in said.items():
        own, other = (signed_in(served, one).get(path).text for one in (ana, ben))
        for one in named:
            link = f'href="/do/{one}={path.rpartition("/")[2]}"'
            assert (link in own, link in other) == (True, False), link


def test_no_form_is_taken_without_its_token_or_from_elsewhere(served: Served) -> None:
    someone, head = signed_in(served, served.admit("Ana")), served.head
    token = someone.get("/post").token
    for path in (one for one in paths(served, "POST") if not one.startswith(LINKED)):
        if path not in WITHOUT_SESSION:
            for said in ({}, {"form_token": "0" * 64}, {"form_token": "0" * 64, "title": "A"}):
                assert someone.post(path, said).status == 403, path
        for header in ({"Origin": "https://example.org"}, {"Sec_Fetch_Site": "cross-site"}):
            page = someone.post(path, {"form_token": token, "title": "A"}, **header)
            assert (page.status, "stale_form" in page.text) == (403, True), path
            assert ">Continue<" not in page.text
    assert served.head == head
    assert someone.get("/waiting").status == 200


def test_a_form_without_a_session_is_kept_only_if_it_was_typed_here(served: Served) -> None:
    typed = (path for path in paths(served, "POST") if not path.startswith(LINKED))
    for path in set(typed) - WITHOUT_SESSION:
        here = reader(served).post(path, {"reason": "Typed here.", "do": "record"})
        assert (here.status, "Typed here." in here.text) == (401, True), path
        assert reader(served).post(path, {"reason": " ", "do": "record"}).status == 303, path
        for header in ({"Origin": "https://example.org"}, {"Sec_Fetch_Site": "same-site"}):
            page = reader(served).post(path, {"reason": "Typed elsewhere."}, **header)
            assert (page.status, "Typed" in page.text) == (303, False), path


def test_what_is_kept_is_sent_only_to_a_path_of_this_site(served: Served) -> None:
    kept = urlencode({"title": "A", "do": "record"})
    said = {"key": OPERATOR_KEY, "kept": kept}
    for to, where in (("/post", "/post"), ("//example.org", "/"), ("https://example.org/", "/")):
        page = reader(served).post("/sign-in", {**said, "to": to})
        assert page.status == 200
        assert f'<form method="post" action="{where}">' in page.text
        assert 'name="do" value="change"' in page.text


def test_a_session_is_ended_by_its_own_button_alone(served: Served) -> None:
    for host in ("127.0.0.1", "stemma.example"):
        someone = Reader(served.operator.port, host).sign_in(OPERATOR_KEY)
        token = someone.get("/waiting").token
        assert someone.get("/sign-out").status == 405
        assert someone.post("/sign-out", {}).status == 403
        page = someone.post("/sign-out", {"form_token": token}, Origin="https://example.org")
        assert page.status == 403
        assert someone.get("/waiting").status == 200
        gone = someone.post("/sign-out", {"form_token": token}).headers["Set-Cookie"]
        said = {part.strip() for part in gone.split(";")}
        assert {"Max-Age=0", "HttpOnly", "Path=/"} <= said
        assert ("Secure" in said) == (host != "127.0.0.1")


def test_who_signs_in_again_ends_the_session_of_before(served: Served) -> None:
    someone = signed_in(served, served.admit("Ana"))
    before = Reader(someone.port, cookies=dict(someone.cookies))
    elsewhere = reader(served).sign_in(OPERATOR_KEY)
    assert someone.post("/sign-in", {"key": "stemma_wrong"}).status == 401
    assert before.get("/waiting").status == 200, "a wrong key ends nothing"
    someone.sign_in(OPERATOR_KEY)
    assert [one.get("/waiting").status for one in (someone, before, elsewhere)] == [200, 303, 200]


def test_nobody_is_shown_what_another_was_told_or_paid(public: Served) -> None:
    ana, ben = public.admit("Ana of the notices"), public.admit("Ben of the notices")
    poem = public.post_piece("A poem that is talked about", by=ana)
    credit = public.operator.get(f"/works/{poem}").json["credits"][0]["id"]
    public.operator.post(f"/credits/{credit}/hold", reason="A word in private.")
    assert "A word in private." in signed_in(public, ana).get("/waiting").text_seen
    operator = reader(public).sign_in(OPERATOR_KEY)  # who said it, and reads it on the credit alone
    for someone in (signed_in(public, ben), reader(public), operator):
        for path in (
            "/waiting",
            f"/credit/{credit}",
            f"/piece/{poem}",
            f"/history/{ana}",
            f"/contributor/{ana}",
        ):
            is_told = someone is operator and path.startswith("/credit/")
            assert ("A word in private." in someone.get(path).text_seen) == is_told, path
    said = "on hold since"
    assert said in signed_in(public, ana).get(f"/credit/{credit}").text_seen
    assert said not in signed_in(public, ben).get(f"/credit/{credit}").text_seen
    public.operator.post(f"/credits/{credit}/lift-hold")
    assert said not in signed_in(public, ana).get(f"/credit/{credit}").text_seen
    as_ben = signed_in(public, ben)
    for path in (f"/statement/{ana}", f"/statement/{ana}?format=csv"):
        page = as_ben.get(path)
        assert page.status == 403
        assert "Ana" not in page.text_seen


def test_who_is_told_to_ask_the_operator_is_told_how(tmp_path: Path, served: Served) -> None:
    with serving(f"sqlite:///{tmp_path / 'one.db'}", contact="mailto:help@example.org") as reached:
        ana, ben = reached.admit("Ana"), reached.admit("Ben")
        link = '<a href="mailto:help@example.org">'
        for page in (
            reader(reached).get("/sign-in"),
            signed_in(reached, ana).get(f"/statement/{ben}"),
        ):
            assert f"ask {link}the operator</a>" in page.text
            assert f"{link}help@example.org</a>" in page.text, "in the footer"
        info = reached.operator.get("/openapi.json").json["info"]
        assert info["contact"] == {"url": "mailto:help@example.org"}
    assert "ask the operator" in reader(served).get("/sign-in").text
    assert "contact" not in served.operator.get("/openapi.json").json["info"]
