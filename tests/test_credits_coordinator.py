"""Whoever coordinates the credits of a film: a table pasted at once, and refusals in its words."""

import csv
import re

from serving import OPERATOR_KEY, Served
from stories import id_of
from test_pages import Reader, reader, signed_in

CREW = (
    "Unit\tRole\tName\tCharacter\n"
    "cast\tActor\tAna\tthe keeper\n"
    "\tdirector\tAna\t\n"
    "\t1st AD\tBen\t\n"
    "lights\tgaffer\tCleo\t\n"
    "lights\tgrip\tDee\t\n"
)


def credited(window: Reader, film: str, **said: str) -> str:
    """What the form of a film's credits answers."""
    path = f"/piece/{film}/credits"
    sent = {"form_token": window.get(path).token, "id": id_of("crew"), **said}
    return window.post(path, sent).text


def rows(page: str) -> dict[str, list[str]]:
    """The columns of the people in a form."""
    sent = re.findall(r'<input[^>]*name="(person\w*)" value="([^"]*)"', page)
    return {name: [value for each, value in sent if each == name] for name, _ in sent}


def test_credits_are_pasted_as_a_spreadsheet_has_them_and_who_is_unknown_stays(
    served: Served,
) -> None:
    film_maker, *crew = (served.admit(name) for name in ("Mia", "Ana", "Ben", "Cleo"))
    film = served.acting(film_maker).post("/contributions", title="Skerry", medium="video").id
    window = signed_in(served, film_maker)
    page = credited(window, film, paste_people=CREW, do="add")
    told = rows(page)
    assert told["person"][-4:] == [crew[0], *crew], "a person has as many rows as roles"
    assert told["person_role"][-4:] == ["Actor", "director", "1st AD", "gaffer"]
    assert told["person_character"][-4:] == ["the keeper", "", "", ""]
    left = page.partition('name="paste_people"')[2].partition("</textarea>")[0]
    assert left.endswith("Unit\tRole\tName\tCharacter\nlights\tgrip\tDee\t"), (
        "with the headings it was read by"
    )
    again = credited(window, film, paste_people="Ana; actor\nCleo;; ;DJ Cleo", do="add")
    assert rows(again)["person_role"][-2:] == ["actor", ""]
    assert rows(again)["person_credited_as"][-2:] == ["", "DJ Cleo"]


def test_many_pasted_credits_show_the_fields_in_use_and_none_is_lost(served: Served) -> None:
    """Sixty rows of nine fields were 164 KB, and 540 fields to look through."""
    film_maker = served.admit("Mia")
    crew = [served.admit(f"Crew {number}") for number in range(60)]
    film = served.acting(film_maker).post("/contributions", title="Skerry", medium="video").id
    window = signed_in(served, film_maker)
    table = "\n".join(f"{one}\tactor\tpart {number}" for number, one in enumerate(crew))
    page = credited(window, film, paste_people=table, do="add")
    assert len(page.encode()) < 100_000
    told = rows(page)
    assert told.keys() == {"person", "person_role", "person_character"}
    assert told["person_character"] == [f"part {number}" for number in range(60)]
    path = f"/piece/{film}/credits"
    sent = {"form_token": window.get(path).token, "id": id_of("crew"), **told}
    every = rows(window.post(path, sent | {"do": "all"}).text)
    assert every["person_ai_tool"] == [""] * 60, "all fields of a row can still be filled in"
    assert rows(window.post(path, sent | {"do": "preview"}).text)["person_role"] == ["actor"] * 60
    assert window.post(path, sent | {"do": "record"}).status == 303
    credits = served.operator.get(f"/works/{film}").json["credits"]
    assert [one["character"] for one in credits] == told["person_character"]
    assert {one["kind"] for one in credits} == {"direct"}


def test_a_preview_says_that_somebody_is_still_only_searched_for(served: Served) -> None:
    ana = served.admit("Ana")
    window = signed_in(served, ana)
    page = window.post(
        "/post", {"form_token": window.get("/post").token, "find_people": "Jane", "do": "preview"}
    )
    assert "“Jane” is still in this field" in page.text_seen


def test_a_refusal_is_told_with_titles_wherever_it_is_shown(served: Served) -> None:
    poem = served.post_piece("A poem")
    song = served.post_piece("A song", poem)
    operator = reader(served).sign_in(OPERATOR_KEY)
    path = f"/piece/{poem}/sources"
    sent = {"source": song, "source_kind": "sample", "do": "preview"}
    page = operator.post(path, {"form_token": operator.get(path).token, **sent})
    alert = page.text_seen.partition("This was not recorded.")[2].partition("lineage_cycle")[0]
    assert "A poem → A song → A poem" in re.sub(r"\s+", " ", alert)
    assert poem not in alert


def test_the_credits_of_a_release_are_a_table_for_a_spreadsheet(served: Served) -> None:
    ana, ben = served.admit("Ana Reyes"), served.admit('=HYPERLINK("x")')
    authors = [
        {"contributor": ana, "role": "actor", "character": "the keeper"},
        {"contributor": ana, "role": "director", "credited_as": "A. Reyes"},
        {"contributor": ben, "role": "gaffer", "display": "lights", "ai": ["none"]},
    ]
    film = served.operator.post("/contributions", title="F", medium="video", authors=authors).id
    whole = served.operator.post("/releases", title="Film", components=[{"work": film}]).id
    window = reader(served).sign_in(OPERATOR_KEY)
    link = re.findall(
        r'href="([^"]*)"[^>]*>All credits as CSV', window.get(f"/release/{whole}").text
    )
    told = window.get(link[0]).text.removeprefix("\ufeff")  # which Excel needs
    assert list(csv.reader(told.splitlines())) == [
        ["Name", "Role", "Character", "Shown as", "Made with AI", "By which tool", "Kind", "Id"],
        ["Ana Reyes", "actor", "the keeper", "", "", "", "direct", ana],
        ["A. Reyes", "director", "", "", "", "", "direct", ana],
        ['\'=HYPERLINK("x")', "gaffer", "", "lights", "none", "", "direct", ben],
    ]
    assert served.operator.get(f"/works/{whole}/contributors", format="csv").text == told


def test_people_of_one_name_are_told_apart_where_they_are_found(served: Served) -> None:
    one, other, alone = (served.admit(name) for name in ("Jo Twin", "Jo Twin", "Jo Alone"))
    served.post_piece("A poem of one", by=one)
    page = signed_in(served, alone).get("/suggest?kind=people&q=jo").text
    told = [re.sub(r"<[^>]+>", "", line) for line in re.findall("<li>(.*?)</li>", page)]
    assert sorted(told) == sorted(
        [
            "Jo Alone not credited yet Add Jo Alone",
            f"Jo Twin not credited yet · …{other[-6:]} Add Jo Twin …{other[-6:]}",
            f"Jo Twin writer · …{one[-6:]} Add Jo Twin …{one[-6:]}",
        ]
    )
