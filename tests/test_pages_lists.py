"""Lists on pages: what is narrowed and sorted stays so to the end, and one's own are one's own.

Rule: every page is read as a browser without a script reads it, by its links and forms.
"""

import re
from collections.abc import Iterator
from html import unescape

import pytest
from serving import OPERATOR_KEY, Served, serving
from stories import carry_out
from test_pages import Reader, reader, signed_in

MANY, CARDS = 33, 24
"""More than a page shows."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    database = f"sqlite:///{tmp_path_factory.mktemp('lists') / 'stemma.db'}"
    hosts = ("media.example", "other.example")
    with serving(database, public_pages=True, media_hosts=hosts) as running:
        yield running


@pytest.fixture(scope="module")
def crowd(served: Served) -> dict[str, str]:
    """Somebody, and of each list more than a page has: half of it found, half of it not."""
    journal = served.service.journal
    draft = journal.draft(is_vouched_for=True)
    ana = carry_out(draft, "admit_contributor", name="Ana").id
    hub = carry_out(draft, "submit_contribution", title="The hub", medium="text").id
    challenge = carry_out(draft, "issue_challenge", title="The call", prompt="Answer!").id
    for number in range(MANY):
        for medium, role in (("audio", "singer"), ("image", "artist")):
            name = f"{role} {number}"
            one = carry_out(draft, "admit_contributor", name=name).id
            piece = carry_out(
                draft,
                "submit_contribution",
                title=f"{medium} {number}",
                medium=medium,
                authors=[{"contributor": one, "role": role}],
                sources=[{"work": hub, "kind": "sample"}],
                media_url=f"https://media.example/{number}.png" if medium == "image" else None,
            ).id
            carry_out(draft, "answer_challenge", id=challenge, work=piece)
            if medium == "image":
                carry_out(draft, "feature_answer", id=challenge, work=piece, reason="Seen.")
            kind = "song" if medium == "audio" else "book"
            said = {"title": f"{kind} {number}", "goal": "To be made.", "kind": kind}
            carry_out(
                draft, "launch_project", **said, leaders=[ana], steps=[{"title": "The first"}]
            )
            said = {"title": f"For {medium} {number}", "prompt": "Please.", "media": [medium]}
            carry_out(draft, "issue_challenge", **said)
    journal.commit(draft)
    return {"ana": ana, "hub": hub, "challenge": challenge}


def walked(someone: Reader, path: str) -> tuple[list[str], list[str]]:
    """The titles of the cards or names of a list, page after page, and the text of each page."""
    titles, pages, further = list[str](), list[str](), path
    while further:
        page = someone.get(further)
        assert page.status == 200, page.text
        pages.append(page.text)
        main = page.text.partition("<main")[2]
        titles += re.findall(
            r'<li(?: class="card[^"]*")?>\s*<a href="[^"]*"[^>]*><bdi>([^<]*)', main
        )
        link = re.search(r'href="(\?[^"]*)" rel="next">', page.text)
        further = path.partition("?")[0] + unescape(link[1]) if link else ""
    return titles, pages


LISTS = {
    "works": ("/search?medium=audio&sort=title", "audio {}", True),
    "people": ("/search?kind=people&role=singer&sort=name", "singer {}", True),
    "descendants": ("/descendants/{hub}?medium=image&sort=title", "image {}", True),
    "projects": ("/project?kind=song&sort=title", "song {}", True),
    "challenges": ("/challenge?medium=audio&sort=answers", "For audio {}", False),
    "answers": ("/challenge/{challenge}?show=featured", "image {}", False),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_stays_narrowed_and_sorted_to_its_end(
    served: Served, crowd: dict[str, str], name: str
) -> None:
    path, title, is_by_title = LISTS[name]
    titles, pages = walked(reader(served), path.format(**crowd))
    wanted = [title.format(number) for number in range(MANY)]
    found = [one for one in titles if one != "The call"]  # which asks for any medium
    assert sorted(found) == sorted(wanted)
    if is_by_title:
        assert found == sorted(wanted)
    assert len(pages) == 2
    for filter in path.partition("?")[2].split("&"):
        field, value = filter.split("=")
        chosen = rf'<option value="{value}" selected|<option selected>{value}|value="{value}"'
        is_kept = [bool(re.search(chosen, page)) or f"{field}={value}" in page for page in pages]
        assert all(is_kept), filter


def test_of_two_lists_on_a_page_each_goes_on_wherever_the_other_is(
    served: Served, crowd: dict[str, str]
) -> None:
    journal = served.service.journal
    draft = journal.draft(is_vouched_for=True)
    zoe = carry_out(draft, "admit_contributor", name="Zoe").id
    for _ in range(2 * MANY):
        said = {"medium": "text", "authors": [{"contributor": zoe, "role": "writer"}]}
        carry_out(draft, "submit_contribution", title="Hers", **said)
    journal.commit(draft)
    window, call = signed_in(served, zoe), f"/challenge/{crowd['challenge']}"
    for path, other in (("/waiting", "inbox"), (call, "comments")):
        page = window.get(f"{path}?what={other}")
        links = [unescape(one) for one in re.findall(r'href="([^"]*)" rel="next"', page.text)]
        assert links, path
        for link in links:
            assert window.get(f"{path}{link.partition('#')[0]}").status == 200, link


def test_a_list_goes_on_as_it_began_and_what_it_leads_to_is_of_now(
    served: Served, crowd: dict[str, str]
) -> None:
    someone = reader(served)
    first = someone.get(f"/challenge/{crowd['challenge']}?show=unused")
    (further,) = re.findall(r'href="(\?[^"]*)" rel="next"', first.text)
    served.operator.post("/contributors", name="Somebody new")
    second = someone.get(f"/challenge/{crowd['challenge']}{unescape(further)}")
    said = r"As known at position ([\d,]+)"
    assert re.findall(said, second.text) == re.findall(said, first.text)
    assert {"?show=featured", "?show=unused"} <= {*re.findall(r'href="([^"]*)"', second.text)}


def test_a_page_of_a_list_that_is_no_longer_there_leads_to_its_first(served: Served) -> None:
    page = reader(served).sign_in(OPERATOR_KEY).get("/search?medium=text&cursor=old&what=works")
    assert (page.status, "ask for its first page again" in page.text_seen) == (422, True)
    assert 'href="?medium=text">First page of this list</a>' in page.text


def test_who_asks_a_page_for_what_it_cannot_show_is_led_back_to_it(served: Served) -> None:
    window = reader(served).sign_in(OPERATOR_KEY)
    page = window.get("/search?q=tide&year=soon")
    assert (page.status, "year: This is not a whole number." in page.text_seen) == (422, True)
    assert '<a href="?q=tide">This page without year</a>' in page.text
    path = f"/statement/{served.admit('Ana')}"
    page = window.get(f"{path}?from=2027-01-01&to=2026-01-01")
    assert (page.status, "ends before it begins" in page.text_seen) == (422, True)
    assert f'<a href="{path}">This page without from, to</a>' in page.text
    # The address that a refused form leaves behind, opened again.
    path = "/credit/33078afe-cc55-55c9-ad67-77599094a707"
    page = window.get(f"{path}/dispute")
    assert (page.status, "Forms are sent to this address." in page.text_seen) == (405, True)
    assert f'<a href="{path}">Back to the page</a>' in page.text


def test_the_facets_of_a_list_count_it_and_narrow_it_further(
    served: Served, crowd: dict[str, str]
) -> None:
    page = reader(served).get(f"/descendants/{crowd['hub']}").text
    assert f'<option value="audio">audio ({MANY})</option>' in page
    assert f'<option value="singer">singer ({MANY})</option>' in page
    assert f"<h2>{2 * MANY} works</h2>" in page
    drawn, rest = re.findall(r'class="work[ "]', page), re.search(r"\+ (\d+) further works", page)
    assert rest is not None
    assert len(drawn) + int(rest[1]) >= 2 * MANY
    assert (
        'class="drawn' not in reader(served).get(f"/descendants/{crowd['hub']}?medium=audio").text
    )
    people = reader(served).get("/search?kind=people").text
    assert re.search(r"<bdi>singer 0</bdi></a> <span class=\"meta\">singer, lately <", people)


def test_answers_are_a_gallery_of_what_allowed_hosts_show(
    served: Served, crowd: dict[str, str]
) -> None:
    page = reader(served).get(f"/challenge/{crowd['challenge']}?show=featured")
    pictures = re.findall(
        r'<img src="https://media.example/\d+.png" alt="" loading="lazy">', page.text
    )
    assert len(pictures) == CARDS
    policy = page.headers["Content-Security-Policy"]
    assert "img-src 'self' data: https://media.example;" in policy
    assert "other.example" not in policy


def test_what_somebody_follows_is_listed_for_them_and_ended_there(
    served: Served, crowd: dict[str, str]
) -> None:
    eve, hub = served.admit("Eve"), crowd["hub"]
    project = served.operator.get("/projects?limit=1").items[0]["id"]
    followed = {
        "contributor": crowd["ana"],
        "work": hub,
        "project": project,
        "challenge": crowd["challenge"],
    }
    as_eve = signed_in(served, eve)
    assert "You follow nothing yet." in as_eve.get("/follows").text_seen
    for kind, id in followed.items():
        token = as_eve.get("/follows").token if kind != "contributor" else as_eve.get("/post").token
        sent = {"form_token": token, "verb": "follow"}
        answer = as_eve.post(f"/follow/{kind}/{id}", sent)
        assert answer.headers["Location"].split("?")[0].endswith(id)
    page = as_eve.get("/follows")
    forms = re.findall(r'action="/follow/([a-z]+)/([0-9a-f-]+)"', page.text)
    assert dict(forms) == followed
    assert [kind for kind, _ in forms] == [*reversed(followed)]  # the latest first
    sent = {"form_token": page.token, "verb": "unfollow", "back": "follows"}
    kind = "work"
    answer = as_eve.post(f"/follow/{kind}/{followed[kind]}", sent)
    assert answer.headers["Location"].startswith("/follows?min_position=")
    after = as_eve.get(answer.headers["Location"])
    assert "This was recorded" in after.text_seen
    assert hub not in after.text
    assert reader(served).get("/follows").status == 303
    assert hub not in signed_in(served, served.admit("Mal")).get("/follows").text


def test_what_somebody_said_is_listed_with_where_they_said_it(
    served: Served, crowd: dict[str, str]
) -> None:
    eve = served.acting(who := served.admit("Eve"))
    ids = [
        eve.post("/comments", text=f"It hums, {number}.", work=crowd["hub"]).id
        for number in range(25)
    ]
    eve.post("/comments", text="I answer.", challenge=crowd["challenge"])
    eve.post(f"/comments/{ids[0]}/remove")
    served.operator.post("/comments", text="Not hers.", work=crowd["hub"])
    someone, path = reader(served), f"/contributor/{who}/comments"
    assert f'href="{path}"' in someone.get(f"/contributor/{who}").text
    _, pages = walked(someone, path)
    text = re.sub("<[^>]*>", "", "".join(pages))
    assert re.findall(r"It hums, (\d+)", text) == [str(number) for number in range(24, 0, -1)]
    assert text.count("on The hub") == 25
    assert "on The call" in text
    assert "Removed by its writer" in text
    assert "Not hers." not in text
