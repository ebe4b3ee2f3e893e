"""Pages of projects and challenges: what is there, and what may be done, by those who may."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

import pytest
from serving import Served, serving
from test_pages import Page, Reader, reader, signed_in

from domain.identity import part_id


@dataclass
class Scene:
    """Ana leads a project with a challenge in it; Ben's drawing is in a step and answers."""

    served: Served
    ana: str
    ben: str
    project: str
    challenge: str
    drawing: str

    @property
    def step(self) -> str:
        return part_id(self.project, "step", 0)

    def as_(self, person: str) -> Reader:
        return signed_in(self.served, person)

    def seen(self, path: str) -> str:
        """What a page shows to somebody who has not signed in."""
        return shown(reader(self.served).get(path))


def shown(page: Page) -> str:
    return unescape(page.text_seen)


def send(browser: Reader, path: str, **fields: str) -> Page:
    """Send a form with the token of the session."""
    token = browser.get("/post").token
    return browser.post(path, {"form_token": token, **fields})


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    database = f"sqlite:///{tmp_path_factory.mktemp('together') / 'stemma.db'}"
    with serving(database, public_pages=True) as served:
        ana, ben = served.admit("Ana"), served.admit("Ben <b>")
        lead, draw = served.acting(ana), served.acting(ben)
        said = {"title": "A <i>tower</i>", "goal": "It walks.", "kind": "comic"}
        steps = [{"title": "Pencils"}, {"title": "Ink", "text": "Black."}]
        project = lead.post("/projects", said | {"steps": steps}).id
        asked = {"title": "Draw him", "prompt": "From behind.", "media": ["image"]}
        challenge = lead.post("/challenges", asked | {"project": project}).id
        said = {"title": "The keeper", "medium": "image", "challenges": [challenge]}
        step = part_id(project, "step", 0)
        drawing = draw.post("/contributions", said | {"step": step}).id
        lead.post(f"/projects/{project}/update", text="All pencils are there.")
        yield Scene(served, ana, ben, project, challenge, drawing)


def test_the_page_of_a_project_shows_its_steps_news_and_challenges(scene: Scene) -> None:
    page = reader(scene.served).get(f"/project/{scene.project}")
    seen = shown(page)
    for text in ("A <i>tower</i>", "It walks.", "Pencils", "Ink", "Black.", "The keeper"):
        assert text in seen, text
    assert "All pencils are there." in seen
    assert f'href="/challenge/{scene.challenge}"' in page.text
    assert "Lead this project" not in seen
    assert "Lead this project" in scene.as_(scene.ana).get(f"/project/{scene.project}").text_seen


def test_the_page_of_a_challenge_shows_its_answers_as_a_gallery(scene: Scene) -> None:
    path = f"/challenge/{scene.challenge}"
    page = reader(scene.served).get(path)
    assert "From behind." in page.text_seen
    assert "The keeper" in page.text_seen
    assert "/do/challenge.feature" not in page.text
    assert "The keeper" in scene.seen(f"{path}?show=unused")
    lead = scene.as_(scene.ana)
    assert "/do/challenge.feature?id=" in lead.get(path).text
    sent = send(
        lead, "/do/challenge.feature", id=scene.challenge, work=scene.drawing, reason="So cold."
    )
    assert sent.status == 303
    featured = scene.seen(f"{path}?show=featured")
    assert "So cold." in featured
    assert "Featured (1)" in featured
    send(lead, "/do/challenge.unfeature", id=scene.challenge, work=scene.drawing)
    assert "So cold." not in scene.seen(path).partition("History")[0]
    draw = scene.served.acting(scene.ben)
    other = draw.post("/contributions", title="A draft", medium="image").id
    draw.post(f"/challenges/{scene.challenge}/answer", work=other)
    draw.post(f"/challenges/{scene.challenge}/withdraw-answer", work=other)
    seen = scene.seen(path)
    assert "1 answer, 1 taken back" in seen, "the list below has both"
    assert "taken back" not in scene.seen(f"{path}?show=unused").partition("History")[0]


def test_a_piece_is_posted_as_an_answer_and_into_a_step(scene: Scene) -> None:
    draw = scene.as_(scene.ben)
    form = draw.get(f"/post?challenge={scene.challenge}&step={scene.step}")
    assert "An answer to Draw him" in shown(form)
    assert "For the project A <i>tower</i>" in shown(form)
    said = {"title": "From behind", "medium": "image", "do": "preview"}
    said |= {"challenge": scene.challenge, "step": scene.step, "id": part_id(scene.ben, "new", 0)}
    assert "An answer to Draw him" in shown(send(draw, "/post", **said))
    dropped = shown(send(draw, "/post", **said, drop_for="challenge"))
    assert ("An answer to" in dropped, "For the project" in dropped) == (False, True)
    assert send(draw, "/post", **(said | {"do": "record"})).status == 303
    piece = draw.get(f"/piece/{said['id']}").text_seen
    assert "Answers Draw him" in piece
    assert "step “Pencils”" in piece


def test_a_project_is_launched_by_a_form_with_a_step_a_line(scene: Scene) -> None:
    draw = scene.as_(scene.ben)
    id = part_id(scene.ben, "project", 0)
    said = {"title": "A round", "goal": "To be sung", "kind": "song", "id": id}
    sent = send(draw, "/do/project", steps='words\n{"title": "voices", "text": "four"}', **said)
    assert (sent.status, sent.headers["Location"].partition("?")[0]) == (303, f"/project/{id}")
    page = draw.get(f"/project/{id}").text_seen
    assert "1. words" in page
    assert "four" in page


def test_a_challenge_is_issued_by_a_form_that_knows_its_project_by_name_or_address(
    scene: Scene,
) -> None:
    lead = scene.as_(scene.ana)
    assert 'placeholder="image"' in lead.get("/do/challenge").text
    said = {"title": "Colour him", "prompt": "Ink first.", "answer_by": "2099-12-31T12:00:00Z"}
    wrong = send(lead, "/do/challenge", project="A round toy", **said)
    assert wrong.status == 422
    assert "Nothing and nobody is called “A round toy”." in shown(wrong)
    for number, project in enumerate(("a <i>TOWER</i>", f"/project/{scene.project}")):
        id = part_id(scene.ana, "challenge", number)
        assert send(lead, "/do/challenge", id=id, project=project, **said).status == 303
        page = lead.get(f"/challenge/{id}").text_seen
        assert "for the project A" in page
        assert "2099-12-31 12:00 UTC" in page


def test_the_lists_are_narrowed_as_they_say(scene: Scene) -> None:
    nobody = reader(scene.served)
    assert "A <i>tower</i>" in scene.seen("/project?q=TOWER&kind=comic")
    assert "A <i>tower</i>" not in scene.seen("/project?state=closed")
    assert "Draw him" in scene.seen("/challenge?medium=image&sort=deadline")
    assert "Draw him" not in scene.seen("/challenge?medium=audio")
    steps = [{"title": "words"}]
    other = scene.served.operator.post(
        "/projects", title="Other", goal="Sung", kind="song", steps=steps, leaders=[scene.ben]
    ).id
    assert "Draw him" in scene.seen(f"/challenge?project={scene.project}")
    assert "Draw him" not in scene.seen(f"/challenge?project={other}")
    assert "Draw him" in scene.seen("/challenge?project=none")
    sing = {"title": "Sing it", "prompt": "Aloud.", "roles": ["singer"]}
    scene.served.acting(scene.ana).post("/challenges", sing)
    assert "Sing it" in scene.seen("/challenge?role=Singer")
    assert "Sing it" not in scene.seen("/challenge?role=Illustrator")
    unknown = nobody.get("/challenge?role=ilustrater")
    assert (unknown.status, "Draw him" in unknown.text_seen) == (422, False)
    assert "There is no role “ilustrater”; the nearest are illustrator" in unknown.text_seen
    assert 'aria-invalid="true" aria-describedby="wrong-role"' in unknown.text
    assert nobody.get(f"/step/{scene.step}").headers["Location"] == f"/project/{scene.project}"


def test_histories_tell_of_projects_and_challenges_by_name(scene: Scene) -> None:
    told = scene.seen(f"/history/{scene.project}")
    assert "Ana launched A <i>tower</i>" in told
    assert "published the step “Pencils” of A <i>tower</i>" in told
    assert "Ben <b> put The keeper into A <i>tower</i>" in told
    assert "The keeper answers Draw him" in scene.seen(f"/history/{scene.challenge}")
    assert "The keeper answers Draw him" in scene.seen(f"/history/{scene.drawing}")


def test_who_leads_a_project_assembles_a_release_from_its_pieces(scene: Scene) -> None:
    path = f"/assemble?project={scene.project}"
    assert f'href="{path}"' in scene.as_(scene.ana).get(f"/project/{scene.project}").text
    assert path not in scene.as_(scene.ben).get(f"/project/{scene.project}").text
    assert f'value="{scene.drawing}"' in scene.as_(scene.ana).get(path).text


def test_who_joined_later_reads_pages_about_the_time_before(scene: Scene) -> None:
    said = {"work": scene.drawing, "contributor": scene.ben, "role": "illustrator"}
    credit = scene.served.operator.post("/credits", said).id
    head = scene.served.head
    someone = signed_in(scene.served, scene.served.admit("Newcomer"))
    lists = ("/", "/challenge", "/follows", "/waiting", f"/credit/{credit}")
    for path in (*lists, f"/project/{scene.project}", f"/challenge/{scene.challenge}"):
        page = someone.get(f"{path}?as_of={head}")
        assert (page.status, "Newcomer" in page.text_seen) == (200, True), path


def test_a_project_shows_as_of_each_fact_and_after_its_leader_was_forgotten(scene: Scene) -> None:
    served = scene.served
    eva = served.admit("Eva")
    said = {"title": "Hers", "goal": "Gone.", "kind": "comic", "steps": [{"title": "Secret"}]}
    launched = served.acting(eva).post("/projects", said)
    project, position = launched.id, launched.json["position"]
    served.service.follower.catch_up()
    for then in (position - 1, position):  # the first step is published right after the launch
        page = reader(served).get(f"/project/{project}?as_of={then}")
        assert (page.status, "Secret" in page.text) == (200, then == position)
    served.operator.post(f"/contributors/{eva}/forget", ground="request")
    served.service.follower.catch_up()
    assert "published the step “(erased)” of" in scene.seen(f"/project/{project}")
