"""Pages as they are sent: who may read them, which forms are taken, and what never gets in.

Rule: everything here is seen in the answer itself; how a browser shows it is tests/test_browser.py.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from serving import OPERATOR_KEY, Served, serving

from api.identity.keys import digest_of
from api.web import drawing
from domain.dispute import GROUNDS
from domain.engine import Row
from projections import wording
from projections.pictures.lineage import MOST_CARDS
from scripts.service import Service


@pytest.fixture
def on_either(database: str) -> Iterator[Served]:
    with serving(database, public_pages=True) as running:
        yield running


@dataclass
class Page:
    """A page that came back."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def token(self) -> str:
        """What its forms carry."""
        return re.findall('name="form_token" value="([0-9a-f]{64})"', self.text)[0]

    @property
    def text_seen(self) -> str:
        return re.sub(r"<[^>]*>", "", self.text)


@dataclass
class Reader:
    """A browser without its window: it keeps a cookie, asks for HTML and says where it is."""

    port: int
    host: str = "127.0.0.1"
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> Page:
        return self.send("GET", path, None, headers)

    def post(self, path: str, fields: object, **headers: str) -> Page:
        said = urlencode(fields, doseq=True)  # type: ignore[arg-type]
        return self.send("POST", path, said.encode(), headers)

    def send(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Page:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = {"Accept": "text/html", "Host": f"{self.host}:{self.port}"}
        if body is not None:
            sent |= {
                "Content-Type": "application/x-www-form-urlencoded",
                "Origin": f"http://{self.host}:{self.port}",
                "Sec-Fetch-Site": "same-origin",
            }
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection.request(method, path, body, {**sent, **named})
        raw = connection.getresponse()
        page = Page(raw.status, dict(raw.getheaders()), raw.read().decode(errors="replace"))
        connection.close()
        if found := re.match(r"([^=]+)=([^;]*)", raw.getheader("Set-Cookie", "")):
            self.cookies[found[1]] = found[2]
        return page

    def sign_in(self, key: str) -> "Reader":
        page = self.post("/sign-in", {"key": key})
        assert page.status == 303, page.text
        return self


def reader(served: Served) -> Reader:
    return Reader(served.operator.port)


def signed_in(served: Served, contributor: str) -> Reader:
    return reader(served).sign_in(served.service.keys.create(contributor))


# -- who may read ------------------------------------------------------------------------------


def test_whoever_is_a_stranger_is_asked_to_sign_in_first(served: Served) -> None:
    ana = served.admit("Ana Unseen")
    poem = served.post_piece("A title unseen", by=ana)
    stranger = reader(served)
    for path in (
        f"/piece/{poem}",
        f"/contributor/{ana}",
        f"/history/{poem}",
        f"/works/{poem}/lineage.svg",
    ):
        page = stranger.get(path)
        assert (page.status, page.headers["Location"]) == (
            303,
            f"/sign-in?to={path.replace('/', '%2F')}",
        )
    for path in ("/", "/audit", "/sign-in", "/docs"):
        page = stranger.get(path)
        assert page.status == 200
        assert "unseen" not in page.text.lower()
    assert reader(served).sign_in(OPERATOR_KEY).get(f"/piece/{poem}").status == 200


def test_public_pages_are_read_by_anybody_and_written_by_nobody(public: Served) -> None:
    ana = public.admit("Ana")
    poem = public.post_piece("A poem", by=ana)
    stranger, head = reader(public), public.head
    for path in (
        "/",
        f"/piece/{poem}",
        f"/contributor/{ana}",
        f"/history/{poem}",
        "/search?q=poem",
    ):
        page = stranger.get(path)
        assert page.status == 200
        assert 'method="post"' not in page.text
    for path in ("/post", f"/piece/{poem}/sources", f"/piece/{poem}/credits", "/waiting"):
        assert stranger.get(path).headers["Location"].startswith("/sign-in?")
    for path in ("/post", f"/piece/{poem}/credits", f"/piece/{poem}/sources", "/sign-out"):
        assert stranger.post(path, {"do": "record"}).status == 303
    assert public.client(None).get("/works").status == 401
    assert public.head == head


def test_what_is_not_there_is_said_in_the_form_that_was_asked_for(served: Served) -> None:
    for path in ("/no/such/page", "/piece/nothing"):
        page = reader(served).sign_in(OPERATOR_KEY).get(path)
        assert (page.status, page.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
        assert "<title>404 – Stemma</title>" in page.text
        assert "Sign out" in page.text, "its reader is still signed in"
    assert served.operator.get("/no/such/page").code == "not_found"


# -- sessions ----------------------------------------------------------------------------------


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(served: Served) -> None:
    key = served.service.keys.create("operator")
    for host, name in (("127.0.0.1", "stemma"), ("stemma.example", "__Host-stemma")):
        cookie = (
            Reader(served.operator.port, host).post("/sign-in", {"key": key}).headers["Set-Cookie"]
        )
        assert cookie.startswith(f"{name}=")
        said = {part.strip() for part in cookie.split(";")[1:]}
        assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= said
        assert ("Secure" in said) == (host != "127.0.0.1")


def test_a_session_ends_with_its_key_or_by_signing_out(on_either: Served) -> None:
    key = on_either.service.keys.create("operator")
    one, other = reader(on_either).sign_in(key), reader(on_either).sign_in(key)
    assert one.get("/waiting").status == other.get("/waiting").status == 200
    assert one.post("/sign-out", {"form_token": one.get("/waiting").token}).status == 303
    assert one.get("/waiting").status == 303
    assert other.get("/waiting").status == 200
    on_either.service.keys.revoke(key)
    assert other.get("/waiting").status == 303


def test_a_session_is_kept_only_as_a_digest(served: Served) -> None:
    someone = reader(served).sign_in(OPERATOR_KEY)
    (token,) = someone.cookies.values()
    kept = served.service.engine.query("SELECT digest, key_digest FROM sessions")
    assert (digest_of(token), digest_of(OPERATOR_KEY)) in kept
    assert token not in repr(kept)


def test_a_session_that_is_over_opens_nothing(served: Served) -> None:
    someone = reader(served).sign_in(OPERATOR_KEY)
    served.service.engine.execute("UPDATE sessions SET until = '2000-01-01'")
    assert someone.get("/search").status == 303
    reader(served).sign_in(OPERATOR_KEY)
    assert sessions(served.service) == 1


def sessions(service: Service) -> int:
    return int(service.engine.query("SELECT count(*) FROM sessions")[0][0])


@pytest.mark.parametrize("key", ["", "stemma_made-up", "é", "x" * 5000])
def test_what_is_no_key_opens_no_session(served: Served, key: str) -> None:
    before = sessions(served.service)
    page = reader(served).post("/sign-in", {"key": key})
    assert page.status == 401
    assert "Set-Cookie" not in page.headers
    assert sessions(served.service) == before


@pytest.mark.parametrize("to", ["https://example.org/", "//example.org/", "/\\example.org", "x"])
def test_signing_in_leads_nowhere_else(served: Served, to: str) -> None:
    page = reader(served).post("/sign-in", {"key": OPERATOR_KEY, "to": to})
    assert page.headers["Location"] == "/"
    back = reader(served).post("/sign-in", {"key": OPERATOR_KEY, "to": "/search?q=tide"})
    assert back.headers["Location"] == "/search?q=tide"


# -- forms that are not ours -------------------------------------------------------------------


def test_a_form_is_taken_from_a_page_of_the_same_session_only(served: Served) -> None:
    ana = served.admit("Ana")
    someone, other = signed_in(served, ana), signed_in(served, ana)
    head = served.head
    piece = {"title": "A poem", "medium": "text", "do": "record"}
    token, foreign = someone.get("/post").token, other.get("/post").token
    for sent, headers in (
        (piece, {}),
        ({**piece, "form_token": ""}, {}),
        ({**piece, "form_token": foreign}, {}),
        ({**piece, "form_token": "é"}, {}),
        ({**piece, "form_token": token}, {"Origin": "https://example.org"}),
        ({**piece, "form_token": token}, {"Origin": "null"}),
        ({**piece, "form_token": token}, {"Sec_Fetch_Site": "cross-site"}),
        ({**piece, "form_token": token}, {"Sec_Fetch_Site": "same-site"}),
    ):
        page = someone.post("/post", sent, **headers)
        assert page.status == 403, (sent, headers)
        assert "stale_form" in page.text
    assert served.head == head
    assert someone.post("/post", {**piece, "form_token": token}).status == 303
    assert served.head == head + 1


def test_nobody_is_signed_in_from_another_site(served: Served) -> None:
    before = sessions(served.service)
    page = reader(served).post("/sign-in", {"key": OPERATOR_KEY}, Origin="https://example.org")
    assert page.status == 403
    assert sessions(served.service) == before


def test_a_cookie_opens_no_route_of_the_api(served: Served) -> None:
    someone = reader(served).sign_in(OPERATOR_KEY)
    assert someone.get("/works", Accept="application/json").status == 401


# -- forms -------------------------------------------------------------------------------------


def test_a_piece_is_recorded_once_however_often_its_form_is_sent(on_either: Served) -> None:
    ana, ben = on_either.admit("Ana"), on_either.admit("Ben")
    poem = on_either.post_piece("A poem", by=ana)
    someone = signed_in(on_either, ben)
    page = someone.get(f"/post?source={poem}")
    (form,) = re.findall('name="id" value="([^"]+)"', page.text)
    said = {
        "form_token": page.token,
        "id": form,
        "title": "A song",
        "medium": "audio",
        "source": [poem, "HTTPS://Example.org/waves"],
        "source_kind": ["adaptation", "sample"],
        "source_rate": ["1/5", ""],
        "source_note": ["", "at 0:12"],
        "person": [ben, ana],
        "person_role": ["singer", "writer"],
        "person_display": ["", "words"],
        "person_kind": ["", ""],
        "do": "record",
    }
    first, again = someone.post("/post", said), someone.post("/post", said)
    assert first.headers["Location"] == again.headers["Location"]
    assert first.headers["Location"].startswith(f"/piece/{form}?min_position=")
    told = on_either.operator.get(f"/works/{form}").json
    assert [(s["kind"], s["rate"], s["evidence"]) for s in told["sources"]] == [
        ("adaptation", "1/5", None),
        ("sample", None, "at 0:12"),
    ]
    assert told["sources"][1]["work"]["uri"] == "https://example.org/waves"
    assert [(c["contributor"]["name"], c["state"]) for c in told["credits"]] == [
        ("Ben", "accepted"),
        ("Ana", "granted"),
    ]


def test_what_would_be_refused_is_refused_before_it_is_shown(served: Served) -> None:
    ana = served.admit("Ana")
    someone = signed_in(served, ana)
    token, head = someone.get("/post").token, served.head
    row = {"source": "https://example.org/a", "source_kind": "sample", "source_note": ""}
    piece = {"form_token": token, "title": "A poem", "medium": "text", "do": "preview"}
    assert "Nothing has been recorded yet" in someone.post("/post", piece).text
    for wrong, said in (
        ({"title": ""}, "Title: This is required."),
        ({"made_at": "yesterday"}, "yesterday"),
        ({"made_at": "2999"}, "2999"),
        ({**row, "source_rate": "5/4"}, "5/4"),
        ({**row, "source_rate": "", "source_kind": "theft"}, "theft"),
        ({**row, "source_rate": "", "source": "no address"}, "no address"),
        (
            {"person": ana, "person_role": "", "person_display": "", "person_kind": ""},
            "Person 1, Role",
        ),
    ):
        page = someone.post("/post", {**piece, **wrong})
        assert page.status == 422, wrong
        assert said in page.text_seen
        assert "Nothing has been recorded yet" not in page.text
    assert served.head == head


def test_what_is_wrong_is_listed_in_the_order_of_the_form(served: Served) -> None:
    ana = served.admit("Ana")
    someone = signed_in(served, ana)
    said = {"form_token": someone.get("/post").token, "title": "A poem", "medium": "text"}
    said |= {"media_url": "example.org/poem", "made_at": "last summer", "do": "preview"}
    said |= {"source": "https://example.org/a", "source_kind": "sample", "source_rate": "5/4"}
    said |= {"person": ana, "person_role": "bard"}
    page = someone.post("/post", said)
    summary = page.text.partition('id="problem"')[2].partition("</ul>")[0]
    asked = ["made_at", "media_url", "rate-0", "role-0"]
    assert re.findall('href="#([^"]+)"', summary) == asked
    assert "is not a whole address" in page.text_seen


def test_who_is_not_found_can_be_credited_all_the_same(served: Served) -> None:
    """The form is not a dead end: it says who registers people, or leads there."""
    found = {"form_token": "", "find_people": "Amina Diallo", "do": "find"}
    someone = signed_in(served, served.admit("Ana"))
    page = someone.post("/post", found | {"form_token": someone.get("/post").token})
    assert "The operator can register people who are not here yet" in page.text_seen
    assert "The operator can register" in someone.get("/suggest?kind=people&q=Amina+D").text_seen
    operator = reader(served).sign_in(served.operator.key or "")
    page = operator.post("/post", found | {"form_token": operator.get("/post").token})
    assert 'href="/do/contributor?name=Amina%20Diallo"' in page.text
    assert 'value="Amina Diallo"' in operator.get("/do/contributor?name=Amina%20Diallo").text


def test_a_credit_is_given_without_oneself_by_who_is_credited_already(served: Served) -> None:
    ana, ben = served.admit("Ana"), served.admit("Ben")
    poem = served.post_piece("A poem", by=ana)
    given, claimed = (signed_in(served, one).get(f"/piece/{poem}/credits") for one in (ana, ben))
    assert f'value="{ben}"' in claimed.text
    assert f'value="{ana}"' not in given.text


def test_many_sources_are_pasted_at_once(served: Served) -> None:
    ana = served.admit("Ana")
    poem = served.post_piece("A poem")
    someone = signed_in(served, ana)
    lines = (
        f"{poem} adaptation 1/4\n{served.origin}/piece/{poem}\n\nhttps://example.org/a 0.1\n"
        "https://example.org/b 20 % sample\nno\n"
    )
    page = someone.post(
        "/post", {"form_token": someone.get("/post").token, "paste_sources": lines, "do": "add"}
    )
    assert re.findall('name="source" value="([^"]+)"', page.text) == [
        poem,
        poem,
        "https://example.org/a",
        "https://example.org/b",
    ]
    rates = re.findall('name="source_rate" value="([^"]*)"', page.text)
    assert rates == ["25 %", "", "10 %", "20 %"]
    assert "“no” was left out" in page.text_seen


def test_no_form_cuts_off_what_is_pasted_into_it(served: Served) -> None:
    """With a “maxlength”, a browser cuts it silently; a refusal says so, and all of it is kept."""
    ana = served.admit("Ana at length")
    poem, long = served.post_piece("A poem at length", by=ana), f"{'word ' * 1_000}END"
    someone = signed_in(served, ana)
    said = {"form_token": someone.get("/post").token, "title": long, "medium": "audio"}
    page = someone.post("/post", said | {"do": "preview"})
    assert "Title: This is longer than 500 characters." in page.text_seen
    assert long in page.text
    page = someone.post("/do/comment", said | {"work": poem, "text": long})
    assert "Text: This is longer than 5000 characters." in page.text_seen
    assert long in page.text
    found = someone.post("/post", said | {"title": "", "find_works": long, "do": "find"})
    assert (found.status, long in found.text) == (200, True)
    for path in ("/post", f"/piece/{poem}", f"/piece/{poem}/credits", "/do/credit", "/own-keys"):
        main = someone.get(path).text.partition("<main")[2]
        assert "maxlength" not in main, path


def test_a_preview_carries_only_the_fields_that_many_rows_use(served: Served) -> None:
    someone = signed_in(served, served.admit("Ana of many"))
    lines = "\n".join(f"https://example.org/many/{n} sample 1/300" for n in range(200))
    said = {"form_token": someone.get("/post").token, "title": "Many", "medium": "audio"}
    added = someone.post("/post", said | {"paste_sources": lines, "do": "add"}).text

    def sent(page: str) -> dict[str, list[str]]:
        held = re.findall(r'<input [^>]*?name="(id|source\w*)" value="([^"]*)"', page)
        return {name: [value for each, value in held if each == name] for name, _ in held}

    rows = sent(added) | {"source_kind": ["sample"] * 200}
    preview = someone.post("/post", said | rows | {"do": "preview"}).text
    carried = sent(preview)
    assert set(carried) == {"id", "source", "source_kind", "source_rate"}
    assert len(preview) < 100_000
    done = someone.post("/post", said | carried | {"do": "record"})
    work = served.operator.get(f"/works/{done.headers['Location'].split('/')[2].split('?')[0]}")
    assert len(work.json["sources"]) + work.json["sources_left_out"] == 200


@pytest.mark.parametrize(
    "pressed",
    [{"do": "find"}, {"do": "preview"}, {"do": "add"}, {"drop_source": "0"}, {"add_source": ""}],
    ids=["find", "preview", "paste", "remove", "add"],
)
def test_a_search_that_is_not_answered_yet_is_kept(served: Served, pressed: dict[str, str]) -> None:
    """Before, a name typed into one search was gone once the other was answered."""
    ben = served.admit("Ben Unforgotten")
    poem = served.post_piece("A poem unforgotten")
    someone = signed_in(served, served.admit("Ana"))
    said = {"form_token": someone.get("/post").token, "title": "A song", "medium": "audio"}
    said |= {"find_works": "unforgotten", "find_people": "ben unf", "paste_sources": "no"}
    said |= {"source": ["https://example.org/a", "https://example.org/b"]}
    if "add_source" in pressed:
        pressed = {"add_source": poem}
    page = someone.post("/post", said | pressed).text
    assert 'name="find_people" value="ben unf"' in page
    assert f'name="add_person" value="{ben}"' in page, "both searches are answered"
    assert ('name="find_works" value="unforgotten"' in page) == ("add_source" not in pressed)
    if "drop_source" in pressed:
        assert re.search(r'<select id="kind-0" name="source_kind" autofocus', page)


WRONG = {"grounds": "other", "reason": "No.", "evidence": "the drafts"}


def test_a_button_is_there_only_for_what_its_reader_may_do(served: Served) -> None:
    ana, ben, cleo = (served.admit(name) for name in ("Ana", "Ben", "Cleo"))
    poem = served.acting(ana).post("/contributions", title="A poem", medium="text").id
    credit = served.acting(ana).post("/credits", work=poem, contributor=ben, role="editor").id
    assert offered(served, cleo, credit) == set()
    source = [{"work": poem, "kind": "adaptation"}]  # it concerns who made something from the poem
    served.acting(cleo).post("/contributions", title="A song", medium="audio", sources=source)
    assert offered(served, ana, credit) == {"dispute", "revoke"}
    assert offered(served, ben, credit) == {"accept", "decline", "dispute"}
    assert offered(served, cleo, credit) == {"dispute"}
    served.acting(cleo).post(f"/credits/{credit}/dispute", WRONG)
    assert offered(served, ben, credit) == {"answer"}
    assert offered(served, cleo, credit) == {"settle"}
    page = signed_in(served, cleo).get(f"/credit/{credit}")
    assert re.findall('name="outcome" value="([a-z]+)"', page.text) == ["withdrawn"]
    someone, head = signed_in(served, cleo), served.head
    page = someone.post(f"/credit/{credit}/accept", {"form_token": someone.get("/post").token})
    assert page.status == 403
    assert someone.post(f"/credit/{credit}/eat", {"form_token": page.token}).status == 404
    assert served.head == head


def test_who_may_decline_or_revoke_a_credit_reads_which_of_them_is_for_ever(served: Served) -> None:
    ana = served.admit("Ana")
    poem = served.acting(ana).post("/contributions", title="A poem", medium="text").id
    credit = served.acting(ana).post("/credits", work=poem, contributor=ana, role="writer").id
    someone, path = signed_in(served, ana), f"/credit/{credit}"
    said = "A declined credit can still be accepted. A revoked credit is over"
    for verb, is_over in (("decline", False), ("revoke", True)):
        page = someone.get(path)
        assert (said in page.text_seen) is not is_over, "declined already, it can only be revoked"
        assert ("without the name, hide it" in page.text_seen) is not is_over
        someone.post(f"{path}/{verb}", {"form_token": page.token})
        assert (f"{path}/accept" in someone.get(path).text) is not is_over


def test_an_open_dispute_is_read_where_the_credit_or_the_edge_is(served: Served) -> None:
    ana, ben = served.admit("Ana"), served.admit("Ben")
    poem = served.post_piece("A poem", by=ben)
    song = served.acting(ana).post("/contributions", title="A song", medium="audio").id
    credit = served.acting(ana).post("/credits", work=song, contributor=ben, role="editor").id
    edge = served.acting(ana).post("/remixes", child=song, parent=poem, kind="sample").id
    someone = signed_in(served, ben)
    for noun, page, id in (("credits", "credit", credit), ("remixes", "remix", edge)):
        assert "Answer due" not in someone.get(f"/{page}/{id}").text
        said = {"grounds": "wrong_role", "reason": "Two commas.", "evidence": "drafts"}
        served.acting(ben).post(f"/{noun}/{id}/dispute", said)
        dispute = served.operator.get(f"/{noun}/{id}").json["dispute"]
        read = someone.get(f"/{page}/{id}")
        assert f"<dd>{GROUNDS['wrong_role']}</dd>" in read.text
        assert f'<time datetime="{dispute["deadline"]}">' in read.text
        assert "The answer" not in read.text_seen
        served.acting(ana).post(f"/{noun}/{id}/answer", reason="And a verse.")
        before_history = someone.get(f"/{page}/{id}").text_seen.partition(">History<")[0]
        assert "The answer" in before_history
        assert "And a verse." in before_history


def offered(served: Served, contributor: str, credit: str) -> set[str]:
    """What somebody is offered to do about a credit."""
    page = signed_in(served, contributor).get(f"/credit/{credit}")
    return set(re.findall(rf'(?:form)?action="/credit/{credit}/(\w+)"', page.text))


def test_a_dispute_of_an_edge_needs_a_reason(served: Served) -> None:
    ana = served.admit("Ana")
    song = served.post_piece("A song", served.post_piece("A poem"), by=ana)
    edge = served.operator.get(f"/works/{song}").json["sources"][0]["remix"]
    someone = signed_in(served, ana)
    said = {"form_token": someone.get("/post").token, "grounds": "not_derived", "reason": " "}
    said["evidence"] = "both"
    assert someone.post(f"/remix/{edge}/dispute", said).status == 422
    assert someone.post(f"/remix/{edge}/dispute", {**said, "reason": "No."}).status == 303
    assert served.operator.get(f"/remixes/{edge}").json["state"] == "disputed"


def test_what_waits_for_a_person_is_offered_to_them_or_claimed_on_their_work(
    on_either: Served,
) -> None:
    ana, ben = on_either.admit("Ana"), on_either.admit("Ben")
    poem = on_either.acting(ana).post("/contributions", title="A poem", medium="text").id
    on_either.acting(ben).post("/credits", work=poem, contributor=ben, role="translator")
    on_either.acting(ana).post("/credits", work=poem, contributor=ben, role="editor")
    assert "translator" in signed_in(on_either, ana).get("/waiting").text_seen
    assert "editor" not in signed_in(on_either, ana).get("/waiting").text_seen
    assert "editor" in signed_in(on_either, ben).get("/waiting").text_seen
    assert "translator" not in signed_in(on_either, ben).get("/waiting").text_seen


# -- what is said ------------------------------------------------------------------------------

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}&amp;"


def test_whatever_people_write_is_text_and_nothing_else(public: Served) -> None:
    ana = public.admit(EVIL)
    poem = public.operator.post(
        "/contributions",
        title=EVIL,
        medium="<b>text</b>",
        licence=EVIL[:200],
        authors=[{"contributor": ana, "role": "writer", "display": EVIL[:100]}],
        sources=[{"uri": "javascript:alert(1)", "kind": "sample", "note": EVIL}],
    ).id
    whole = public.operator.post("/releases", title=EVIL, components=[{"work": poem}]).id
    told = public.operator.get(f"/works/{poem}").json
    credit, edge = told["credits"][0]["id"], told["sources"][0]["remix"]
    public.operator.post(f"/credits/{credit}/dispute", grounds="other", reason=EVIL)
    outside = told["sources"][0]["work"]["id"]
    someone = reader(public).sign_in(OPERATOR_KEY)
    query = urlencode({"q": EVIL})
    for path in (
        *("/", f"/search?{query}", f"/suggest?{query}", f"/piece/{poem}", f"/piece/{outside}"),
        *(
            f"/release/{whole}",
            f"/contributor/{ana}",
            f"/history/{whole}",
            f"/credit/{credit}",
            f"/remix/{edge}",
        ),
        *(f"/post?source={poem}", f"/sign-in?{urlencode({'to': '/' + EVIL})}", f"/list/{whole}"),
        f"/works/{whole}/lineage.svg",
    ):
        page = someone.get(path)
        assert page.status == 200, path
        assert not re.search(r"<(script(?! src=\"/static)|img src=x|b>)", page.text), path
        assert "49" not in re.sub(
            r"[0-9a-f]{4,}|&#\d+;|\d\d:\d\d|\d\.\d+|\d{3,}", "", page.text_seen
        ), path
        assert 'href="javascript:' not in page.text, path


def test_a_page_says_what_may_run_and_where_forms_go(public: Served) -> None:
    someone = reader(public).sign_in(OPERATOR_KEY)
    poem = public.post_piece("A poem")
    for path in ("/", f"/piece/{poem}", "/audit", "/sign-in", "/nothing"):
        policy = someone.get(path).headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "form-action 'self'" in policy
        assert "script-src" not in policy
    with_script = someone.get("/post").headers["Content-Security-Policy"]
    assert "script-src 'self'" in with_script
    assert "unsafe" not in with_script
    svg = someone.get(f"/works/{poem}/lineage.svg").headers["Content-Security-Policy"]
    assert svg.startswith("default-src 'none'; style-src 'sha256-")


def test_what_is_for_one_reader_is_stored_by_nobody(public: Served) -> None:
    someone = reader(public).sign_in(OPERATOR_KEY)
    assert someone.get("/").headers["Cache-Control"] == "no-store"
    assert reader(public).get("/").headers["Cache-Control"] == "no-cache"
    for key in (OPERATOR_KEY, "wrong"):
        answer = reader(public).post("/sign-in", {"key": key, "to": "/"})
        assert answer.headers["Cache-Control"] == "no-store"
    assert "Cookie" in reader(public).get("/").headers["Vary"]


def test_names_in_the_reference_are_marked_as_code(public: Served) -> None:
    """They were in backticks, as the OpenAPI document writes them."""
    someone = reader(public)
    chapters = set(re.findall(r'href="(/docs/\w+)"', someone.get("/docs").text))
    assert {"/docs/works", "/docs/pools"} < chapters
    for path in ("/docs", *sorted(chapters)):
        page = someone.get(path)
        assert page.status == 200, path
        text = re.sub(r"<(pre|code|script)\b.*?</\1>", "", page.text, flags=re.DOTALL)
        assert re.findall(r".{20}`.{20}", text) == [], path


def test_a_page_for_anybody_is_sent_again_only_if_it_changed(public: Served) -> None:
    poem = public.post_piece("A poem", by=(ana := public.admit("Ana")))
    someone = reader(public)
    for path in (f"/piece/{poem}", f"/contributor/{ana}", "/search", "/docs"):
        first = someone.get(path)
        again = someone.get(path, If_None_Match=first.headers["ETag"])
        assert (again.status, again.text) == (304, ""), path
    tag = someone.get(f"/piece/{poem}").headers["ETag"]
    public.post_piece("A song", poem, by=ana)
    assert someone.get(f"/piece/{poem}", If_None_Match=tag).status == 200
    own = signed_in(public, ana).get(f"/piece/{poem}", If_None_Match=tag)
    assert own.status == 200
    assert "ETag" not in own.headers


def test_a_work_is_shown_as_it_was(on_either: Served) -> None:
    ana, ben = on_either.admit("Ana"), on_either.admit("Ben")
    poem = on_either.post_piece("A poem", by=ana)
    song = on_either.post_piece("A song", poem, by=ben)
    whole = on_either.operator.post("/releases", title="Both", components=[{"work": song}]).id
    on_either.operator.post(f"/releases/{whole}/publish", {})
    published = on_either.head
    cleo = on_either.admit("Cleo")
    on_either.operator.post("/credits", work=poem, contributor=cleo, role="editor")
    someone = reader(on_either)
    assert "Cleo" in someone.get(f"/release/{whole}").text_seen
    for query in ("?as=published", f"?as_of={published}"):
        page = someone.get(f"/release/{whole}{query}")
        assert "Cleo" not in page.text_seen
        assert f"As known at position {published} of the journal; times" in page.text_seen
    assert someone.get(f"/release/{whole}?on=2000-01-01").status == 404
    assert "Cleo" in someone.get(f"/release/{whole}?on=2999-01-01").text_seen
    assert someone.get(f"/release/{whole}?on=tomorrow").status == 422
    assert someone.get(f"/release/{whole}?as_of=999999").status == 422
    assert someone.get(f"/piece/{whole}").headers["Location"] == f"/release/{whole}"
    assert someone.get(f"/release/{poem}").headers["Location"] == f"/piece/{poem}"


def test_a_history_is_narrowed_to_a_kind_of_fact(on_either: Served) -> None:
    ana = on_either.admit("Ana")
    poem = on_either.post_piece("A poem", by=ana)
    song = on_either.post_piece("A song", poem)
    whole = on_either.operator.post("/releases", title="Both", components=[{"work": song}]).id
    edge = on_either.operator.get(f"/works/{song}").json["sources"][0]["remix"]
    on_either.operator.post(f"/remixes/{edge}/dispute", grounds="other", reason="no")
    someone = reader(on_either)
    for what, count in (("", 7), ("works", 3), ("sources", 3), ("credits", 1), ("disputes", 1)):
        page = someone.get(f"/history/{whole}?what={what}")
        assert page.text.count('id="fact-') == count, what
    for link in re.findall(r'href="(/release/[^"]+as_of=\d+)"', page.text):
        assert someone.get(link).status == 200
    assert "as_of" in someone.get(f"/history/{whole}").text


# -- money -------------------------------------------------------------------------------------


def test_a_pool_leads_to_the_forms_that_are_open_to_the_reader(public: Served) -> None:
    ana, abe = public.admit("Ana"), public.admit("Abe")
    post = public.operator.post
    post(f"/contributors/{abe}/grant-role", role="accountant")
    song = public.post_piece("A song with costs", by=ana)
    whole = public.acting(ana).post("/releases", title="It costs", components=[{"work": song}]).id
    terms = {"type": "fixed", "shares": [["label", "1"]]}
    said = {"name": "costly", "kind": "song", "currency": "USD", "terms": terms}
    pool = post(f"/releases/{whole}/pools", said).id
    booked = {"amount_minor": 412_000, "effective_at": "2026-01"}
    expense = post(f"/pools/{pool}/expenses", category="printing", **booked).id
    revenue = post(f"/pools/{pool}/revenue", source="store", **booked).id

    def forms(person: str) -> dict[str, str]:
        page = signed_in(public, person).get(f"/pool/{pool}").text
        return dict(re.findall(r'href="/do/([\w.-]+)\?([^"]*)"', page))

    keeping = {"revenue", "expense", "adjustment", "opening", "pool.correct", "pool.locate"}
    keeping |= {"pool.reserve", "pool.free-reserve"}
    assert not forms(ana)
    assert f'href="/pool/{pool}/amend"' in signed_in(public, ana).get(f"/pool/{pool}").text
    found = forms(abe)
    assert found.keys() == keeping | {"revenue.reverse", "expense.reverse", "assignment"}
    assert found["expense.reverse"] == f"expense={expense}"
    assert found["revenue.reverse"] == f"revenue={revenue}"
    filled = signed_in(public, abe).get(f"/do/expense.reverse?expense={expense}")
    assert f'value="{expense}"' in filled.text


def test_money_is_for_those_it_concerns_and_a_statement_for_its_person(public: Served) -> None:
    ana, ben = public.admit("Ana"), public.admit("Ben")
    song = public.post_piece("A song that earns", by=ana)
    post = public.operator.post
    whole = post("/releases", title="It earns", components=[{"work": song}]).id
    post(f"/releases/{whole}/publish", {})
    said = {"name": "its pool", "kind": "song", "currency": "JPY", "terms": {"type": "agreed"}}
    pool = post(f"/releases/{whole}/pools", said).id
    assets = [{"asset": song, "value": "1", "shares": [[ana, "1"]]}]
    proposal = post(f"/pools/{pool}/proposals", assets=assets).id
    paths = [f"/pool/{pool}", f"/proposal/{proposal}", f"/statement/{ana}"]
    stranger = reader(public)
    assert [stranger.get(path).status for path in paths] == [303] * 3
    assert "its pool" not in stranger.get(f"/release/{whole}").text_seen
    as_ana, as_ben = signed_in(public, ana), signed_in(public, ben)
    assert [as_ana.get(path).status for path in paths] == [200] * 3
    assert [as_ben.get(path).status for path in paths] == [403] * 3
    assert "its pool" in as_ana.get(f"/release/{whole}").text_seen
    assert "its pool" not in as_ben.get(f"/release/{whole}").text_seen
    for path in (f"/history/{whole}", f"/history/{ana}"):
        assert "proposal" not in as_ana.get(path).text
    assert "days of recording, in UTC" in as_ana.get(f"/statement/{ana}").text_seen
    csv = as_ana.get(f"/statement/{ana}?format=csv")
    assert csv.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert csv.text.startswith("\ufeffrecorded_at,"), "or Excel reads its names as Windows-1252"
    raw = public.operator.get(f"/contributors/{ana}/statement", format="csv")
    assert csv.text == f"\ufeff{raw.text}"
    (query,) = re.findall('href="([^"]*format=pdf[^"]*)"', as_ana.get(paths[2]).text)
    link = f"/statement/{ana}{query}".replace("&amp;", "&")
    pdf = as_ana.get(link)
    assert pdf.headers["Content-Type"] == "application/pdf"
    assert pdf.headers["Cache-Control"] == "no-store"
    assert pdf.text.startswith("%PDF-")
    assert as_ben.get(link).status == 403
    assert as_ana.get(f"/statement/{ana}?format=doc").status == 422


def test_what_was_earned_by_month_is_drawn_on_the_pages_of_a_pool_and_a_person(
    public: Served,
) -> None:
    ana = public.admit("Ana")
    song = public.post_piece("A song of some months", by=ana)
    post = public.operator.post
    whole = post("/releases", title="By month", components=[{"work": song}]).id
    terms = {"type": "fixed", "shares": [[ana, "1"]]}
    said = {"name": "its pool", "kind": "song", "currency": "EUR", "terms": terms}
    pool = post(f"/releases/{whole}/pools", said).id
    for month, units in (("2026-01", 4000), ("2026-02", 8000)):
        post(f"/pools/{pool}/revenue", source="store", amount_minor=units, effective_at=month)
    document = {"document": "their books", "effective_at": "2026-01"}
    post(f"/pools/{pool}/openings", lines=[{"payee": ana, "amount_minor": 100}], **document)
    as_ana = signed_in(public, ana)
    for path in (f"/pool/{pool}", f"/statement/{ana}"):
        page = as_ana.get(path)
        rows = re.findall(r"<th scope=\"row\">(2026-\d\d)</th><td[^>]*>([\d.]+)<", page.text)
        assert rows == [("2026-02", "80.00"), ("2026-01", "41.00")], path
        bars = re.findall(r"<title>(2026-\d\d): ([\d.]+) EUR</title><rect", page.text)
        assert bars == [("2026-01", "41.00"), ("2026-02", "80.00")], path
        assert "what new shares and waivers changed counts when they were applied" in page.text_seen
    assert "1.00 EUR owed by earlier books" in as_ana.get(f"/pool/{pool}").text_seen
    told = "You have earned 121.00 EUR of it; your statement says why, to the cent."
    for someone in (as_ana, signed_in(public, public.admit("Ben")), reader(public)):
        page = someone.get(f"/release/{whole}")
        assert (told in page.text_seen) == (f'<a href="/statement/{ana}">your' in page.text)
        assert (told in page.text_seen) == (someone is as_ana)


def test_a_button_about_shares_is_there_only_if_it_would_do_something(public: Served) -> None:
    ana, ben = public.admit("Ana"), public.admit("Ben")
    song = public.post_piece("A song", by=ana)
    public.operator.post("/credits", work=song, contributor=ben, role="editor")
    whole = public.operator.post("/releases", title="W", components=[{"work": song}]).id
    said = {"name": "p", "kind": "song", "currency": "KWD", "terms": {"type": "agreed"}}
    pool = public.operator.post(f"/releases/{whole}/pools", said).id
    assets = [{"asset": song, "value": "1", "shares": [[ana, "1"]]}]
    proposal = public.operator.post(f"/pools/{pool}/proposals", assets=assets).id
    address = f"/proposal/{proposal}"

    def offered_to(someone: Reader) -> set[str]:
        return set(re.findall(rf'action="{address}/(\w+)"', someone.get(address).text))

    assert offered_to(signed_in(public, public.admit("Cem"))) == set()
    public.acting(ben).post("/credits", work=song, contributor=ben, role="editor")  # a claim
    assert offered_to(signed_in(public, ben)) == {"comment"}
    assert offered_to(reader(public).sign_in(OPERATOR_KEY)) == {"comment", "extend", "withdraw"}
    someone, head = signed_in(public, ben), public.head
    token = someone.get("/post").token
    assert someone.post(f"{address}/finalise", {"form_token": token}).status == 403
    assert someone.post(f"{address}/comment", {"form_token": token}).status == 422
    assert someone.post(f"{address}/eat", {"form_token": token}).status == 404
    assert public.head == head
    said = {"form_token": token, "kind": "other", "text": "Well."}
    assert someone.post(f"{address}/comment", said).status == 303
    assert someone.post(f"{address}/comment", said).status == 303, "gone back to and sent again"
    assert len(public.operator.get(f"/proposals/{proposal}").json["comments"]) == 1
    assert "answer" in offered_to(reader(public).sign_in(OPERATOR_KEY))
    public.operator.post(f"/proposals/{proposal}/withdraw", reason="Cem is missing.")
    page = someone.get(address).text_seen
    assert "by the operator" in page
    assert "Cem is missing." in page
    assert public.operator.get(f"/proposals/{proposal}").json["withdrawn"]["reason"] in page


@pytest.mark.parametrize("name", ["Tide & Co", "Tide/Co", "a/b/claim"])
def test_who_is_known_by_name_only_has_a_statement_for_those_who_keep_the_books(
    public: Served, name: str
) -> None:
    song, post = public.post_piece("A sea song"), public.operator.post
    whole = post("/releases", title="Sea songs", components=[{"work": song}]).id
    terms = {"type": "fixed", "shares": [[name, "1"]]}
    said = {"name": "p", "kind": "song", "currency": "EUR", "terms": terms}
    pool = post(f"/releases/{whole}/pools", said).id
    post(f"/pools/{pool}/revenue", source="store", amount_minor=1_234, effective_at="2026-01")
    books, named = reader(public).sign_in(OPERATOR_KEY), f"/statement/{quote(name, safe='')}"
    assert f'href="{named}"' in books.get("/desk/accountant/balances").text.replace("&amp;", "&")
    shown = books.get(named)
    assert "12.34 EUR" in shown.text_seen
    assert "/contributor/Tide" not in shown.text
    csv, pdf = (books.get(f"{named}?format={form}") for form in ("csv", "pdf"))
    assert (csv.text.count("1234"), pdf.text.startswith("%PDF-")) == (1, True)
    for wrong in ("Tyde", "Tide%00", "x" * 900):
        assert books.get(f"/statement/{wrong}").status == 404
    lou = public.admit("Lou")
    assert signed_in(public, lou).get(named).status == 403
    post(f"/contributors/{lou}/identify", name=name, reason="It has an account.")
    assert "Lou" in signed_in(public, lou).get(named).text_seen


def test_each_share_of_a_person_is_answered_by_its_own_buttons(public: Served) -> None:
    """Theirs, that of an account that became one with theirs, and that of a work they claimed."""
    eve, once, post = public.admit("Eve"), public.admit("Eve 1993"), public.operator.post
    horn, song = public.post_piece("A horn"), public.post_piece("A song", by=eve)
    parts = [{"work": horn}, {"work": song}]
    whole = post("/releases", title="Horns", components=parts).id
    said = {"name": "p", "kind": "song", "currency": "EUR", "terms": {"type": "agreed"}}
    pool = post(f"/releases/{whole}/pools", said).id
    shares = [[eve, "1"], [once, "1"], [f"work/{horn}", "1"]]
    assets = [{"asset": song, "value": "1", "shares": shares}]
    sheet = {"assets": assets, "agreed_on": "2026-01", "document": "sheet"}
    deal = post(f"/pools/{pool}/agreements", sheet).id
    post(f"/contributors/{once}/merge", into=eve, reason="The same.")
    claim = {"contributor": eve, "role": "performer", "evidence": "The tape."}
    credit = public.acting(eve).post(f"/works/{horn}/claim", claim).id
    post(f"/credits/{credit}/accept", {})
    someone, address = signed_in(public, eve), f"/proposal/{deal}"
    page = someone.get(address)
    assert page.text_seen.count("Your share: about 33.3 %") == 3
    found = {
        tuple(re.findall('name="(contributor|work)" value="([^"]+)"', form))
        for form in re.findall(rf'action="{address}/accept">(.*?)</form>', page.text)
    }
    assert found == {(), (("contributor", once),), (("work", horn),)}
    wrong = {"form_token": page.token, "work": horn, "scope": "no such piece", "reason": "Why not."}
    refused = someone.post(f"{address}/waive", wrong).text
    assert re.findall(r'<textarea id="waive-why(\d*)"[^>]*>Why not.<', refused) != []
    assert refused.count("Why not.") == 1, "in the form that it came from"
    for whose in found:
        said = {"form_token": page.token, **dict(whose)}
        assert someone.post(f"{address}/accept", said).status == 303
    shown = public.operator.get(f"/proposals/{deal}").json["shares"]
    assert {one["consent"] for one in shown} == {"accepted"}
    assert "button>Accept" not in someone.get(address).text


@pytest.mark.parametrize(
    "amount_minor, currency, said",
    [
        (123456, "EUR", "1,234.56 EUR"),
        (-5, "USD", "−0.05 USD"),
        (1000, "JPY", "1,000 JPY"),
        (1, "KWD", "0.001 KWD"),
    ],
)
def test_an_amount_is_written_with_the_digits_of_its_currency(
    amount_minor: int, currency: str, said: str
) -> None:
    assert wording.money(amount_minor, currency) == said


def test_an_exact_rest_is_told_and_not_rounded() -> None:
    assert wording.units("100", "EUR") == "1.00 EUR"
    assert wording.units("301/3", "EUR") == "1.00 EUR and 1/3 of 0.01 EUR"
    assert wording.units("-1/6", "EUR") == "−1/6 of 0.01 EUR"
    assert wording.percent("1/3") == "about 33.3 %"
    assert wording.percent("1/5") == "20 %"


def test_a_withdrawn_title_is_on_no_page(public: Served) -> None:
    ana = public.admit("Ana")
    poem = public.post_piece("A title to forget", by=ana)
    whole = public.operator.post("/releases", title="Both", components=[{"work": poem}]).id
    public.operator.post(f"/contributions/{poem}/withdraw", reason="Not mine.")
    someone = reader(public)
    for path in (
        f"/piece/{poem}",
        f"/release/{whole}",
        f"/contributor/{ana}",
        f"/history/{whole}",
        "/search?q=forget",
    ):
        assert "to forget" not in someone.get(path).text.replace("q=forget", "")


# -- pictures ----------------------------------------------------------------------------------


def test_a_picture_stands_alone_as_svg_and_as_png(public: Served) -> None:
    ana, ben = public.admit("Ana"), public.admit("Ben")
    poem = public.post_piece("A poem behind it", by=ana)
    song = public.post_piece("A song from it", poem, by=ben)
    post, get = public.operator.post, public.operator.get
    whole = post("/releases", title="It is shared", components=[{"work": song}]).id
    post(f"/releases/{whole}/publish", {})
    terms = {"type": "fixed", "shares": [["house", "1/2"], ["artists", "1/2"]]}
    opened = {"name": "its pool", "kind": "song", "currency": "EUR", "terms": terms}
    pool = post(f"/releases/{whole}/pools", opened).id
    assert get(f"/pools/{pool}/split.svg").code == "not_found"
    assert reader(public).get(f"/pools/{pool}/split.svg").status == 303
    for drawn in (f"/works/{whole}/lineage", f"/works/{poem}/descendants"):
        svg, png = (get(f"{drawn}.{form}") for form in ("svg", "png"))
        assert svg.headers["Content-Type"] == "image/svg+xml; charset=utf-8"
        assert svg.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src")
        assert "A song from it" in svg.text
        assert (png.status, png.headers["Content-Type"]) == (200, "image/png")
        assert png.text[1:4] == "PNG"
    for page in (f"/piece/{poem}", f"/piece/{song}", f"/descendants/{poem}"):
        assert '<div class="drawn onward"' in reader(public).get(page).text
    assert 'class="drawn onward"' not in reader(public).get(f"/release/{whole}").text


def test_a_page_says_what_is_claimed_about_what_its_work_was_made_from(public: Served) -> None:
    ana, eve = public.admit("Ana"), public.admit("Eve")
    poem = public.acting(ana).post("/contributions", title="The old poem", medium="text").id
    song = public.post_piece("The song", poem, by=ana)
    film = public.operator.post("/releases", title="Film", components=[{"work": song}]).id
    before = [reader(public).get(path).text_seen for path in (f"/piece/{song}", f"/release/{film}")]
    public.acting(eve).post("/credits", work=poem, contributor=eve, role="singer")
    said = "There are also open claims on what this was made from: The old poem."
    for path, text in zip((f"/piece/{song}", f"/release/{film}"), before, strict=True):
        assert said not in text
        assert said in reader(public).get(path).text_seen, path
    assert "There are also open claims" not in reader(public).get(f"/piece/{poem}").text_seen


@pytest.mark.parametrize("page", ["piece", "contributor"])
def test_what_a_page_names_several_times_is_read_once(
    on_either: Served, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    """And all that it may offer is tried on one state: so its messages to the database are few."""
    messages = list[int]()
    engine = on_either.service.engine
    read_all = engine.read_all

    def counted(asked: Sequence[Any]) -> list[list[Row]]:
        messages.append(len(asked))
        return read_all(asked)

    monkeypatch.setattr(engine, "read_all", counted)
    ana = on_either.admit("Ana")
    song = on_either.post_piece("A song", on_either.post_piece("A poem", by=ana), by=ana)
    reader = signed_in(on_either, ana)
    path = f"/{page}/{song if page == 'piece' else ana}"
    assert "A song" in reader.get(path).text_seen  # what a process reads once is known from here on
    on_either.service.follower.stop()  # whose messages would count, too
    messages.clear()
    assert "A song" in reader.get(path).text_seen
    assert len(messages) <= 55


def test_what_is_said_of_rates_beside_a_picture_is_also_said_if_it_is_too_large_to_draw(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, song, cover = (served.post_piece(name) for name in ("loop", "song", "cover"))
    post = served.operator.post
    assert post("/remixes", child=song, parent=loop, kind="sample", rate="1/10").status == 201
    assert post("/remixes", child=cover, parent=loop, kind="sample").status == 201
    said = {"licence": "CC-BY-4.0", "reason": "It may be shared."}
    assert post(f"/works/{cover}/describe", said).status == 200
    album, both = (
        post("/releases", title="Album", components=[{"work": work} for work in works]).id
        for works in ((song,), (song, cover))
    )
    assert post("/joins", work=served.post_piece("Demo"), into=album).status == 201
    alike, unknown = "without a rate count equally", "the share is unknown"
    for path, expected in (
        (f"/piece/{song}", (False, False)),
        (f"/piece/{cover}", (False, True)),
        (f"/release/{album}", (True, False)),
        (f"/release/{both}", (True, True)),
    ):
        for most in (MOST_CARDS, 0):
            monkeypatch.setattr(drawing, "MOST_CARDS", most)
            page = reader(served).sign_in(OPERATOR_KEY).get(path).text
            assert (alike in page, unknown in page) == expected, (path, most)
