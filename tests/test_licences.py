"""Licences along a lineage: their elements, their conflicts, and the attribution they ask for."""

import json
import re
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from stories import Story, story

from domain.licensing import RULES, Licence, broken, cannot_be_joined, terms_of
from domain.refusal import LicenceConflict
from projections import licences
from projections.licences import FORMS, of
from scripts.bundle import FoundLine, import_lines
from scripts.settings import read_settings

EVERY = ("PD", "BY", "BY-NC", "BY-NC-ND", "BY-NC-SA", "BY-ND", "BY-SA")
NS = "http://creativecommons.org/ns#"
ELEMENTS = {"Attribution": "BY", "ShareAlike": "SA", "CommercialUse": "NC"}


@pytest.fixture
def cc(shared_data: Path) -> Path:
    return shared_data.parent / "samples" / "cc"


def named(code: str) -> Licence:
    return terms_of("CC0-1.0" if code == "PD" else f"CC-{code}-4.0")


NAMES = [
    ("CC-BY-4.0", "CC-BY-4.0", "BY", "https://creativecommons.org/licenses/by/4.0/"),
    ("cc by-nc-sa 3.0", "CC-BY-NC-SA-3.0", "BY-NC-SA",
     "https://creativecommons.org/licenses/by-nc-sa/3.0/"),
    ("https://creativecommons.org/licenses/by-nd/3.0/de/deed.de", "CC-BY-ND-3.0-DE", "BY-ND",
     "https://creativecommons.org/licenses/by-nd/3.0/de/"),
    ("CC BY", "CC-BY", "BY", None),
    ("https://creativecommons.org/licenses/by-nd-nc/1.0/", "CC-BY-ND-NC-1.0", "BY-NC-ND",
     "https://creativecommons.org/licenses/by-nd-nc/1.0/"),
    ("cc0", "CC0-1.0", "", "https://creativecommons.org/publicdomain/zero/1.0/"),
    ("http://creativecommons.org/publicdomain/mark/1.0/", "CC-PDM-1.0", "",
     "https://creativecommons.org/publicdomain/mark/1.0/"),
    ("mit", "MIT", None, "https://spdx.org/licenses/MIT.html"),
    ("mit or apache-2.0", "MIT OR Apache-2.0", None, None),
    ("Terms of the platform, 2024", "Terms of the platform, 2024", None, None),
    ("CC-BY-ND-SA-4.0", "CC-BY-ND-SA-4.0", None, None),
    ("Creative Commons Attribution-NonCommercial-ShareAlike 4.0 International", "CC-BY-NC-SA-4.0",
     "BY-NC-SA", "https://creativecommons.org/licenses/by-nc-sa/4.0/"),
    ("Creative Commons Attribution Share Alike 3.0 Unported", "CC-BY-SA-3.0", "BY-SA",
     "https://creativecommons.org/licenses/by-sa/3.0/"),
    ("Attribution-NoDerivs 2.5 Generic", "CC-BY-ND-2.5", "BY-ND",
     "https://creativecommons.org/licenses/by-nd/2.5/"),
    ("Attribution", "Attribution", None, None),
    ("Creative Commons Zero v1.0 Universal", "CC0-1.0", "",
     "https://creativecommons.org/publicdomain/zero/1.0/"),
    ("CC BY\u2011SA\u00a04.0", "CC-BY-SA-4.0", "BY-SA",
     "https://creativecommons.org/licenses/by-sa/4.0/"),
    ("CC-SA-1.0", "CC-SA-1.0", "SA", "https://creativecommons.org/licenses/sa/1.0/"),
    ("http://creativecommons.org/licenses/nc-sa/1.0", "CC-NC-SA-1.0", "NC-SA",
     "https://creativecommons.org/licenses/nc-sa/1.0/"),
    ("sa 1.0", "sa 1.0", None, None),
    ("NonCommercial Sampling Plus 1.0", "CC-NC-SAMPLING+-1.0", "BY-NC",
     "https://creativecommons.org/licenses/nc-sampling+/1.0/"),
    ("http://creativecommons.org/licenses/sampling+/1.0/br", "CC-SAMPLING+-1.0-BR", "BY",
     "https://creativecommons.org/licenses/sampling+/1.0/br/"),
    ("CC BY-SA 3.0 de", "CC-BY-SA-3.0-DE", "BY-SA",
     "https://creativecommons.org/licenses/by-sa/3.0/de/"),
    ("cc-zero", "CC0-1.0", "", "https://creativecommons.org/publicdomain/zero/1.0/"),
    ("https://spdx.org/licenses/CC-BY-ND-4.0.html", "CC-BY-ND-4.0", "BY-ND",
     "https://creativecommons.org/licenses/by-nd/4.0/"),
    ("CC-BY-NC-4.0 and MIT", "CC-BY-NC-4.0 AND MIT", "BY-NC", None),
    ("MIT AND Apache-2.0", "MIT AND Apache-2.0", None, None),
    ("CC-BY-NC-4.0 OR MIT", "CC-BY-NC-4.0 OR MIT", None, None),
    ("CC BY 4.0 International", "CC-BY-4.0", "BY",
     "https://creativecommons.org/licenses/by/4.0/"),
    ("Attribution-NonCommercial 3.0 United States (CC BY-NC 3.0 US)", "CC-BY-NC-3.0-US", "BY-NC",
     "https://creativecommons.org/licenses/by-nc/3.0/us/"),
    ("CC BY-SA 2.5 Scotland", "CC-BY-SA-2.5-SCOTLAND", "BY-SA",
     "https://creativecommons.org/licenses/by-sa/2.5/scotland/"),
    ("Attribution Noncommercial (3.0)", "CC-BY-NC-3.0", "BY-NC",
     "https://creativecommons.org/licenses/by-nc/3.0/"),
    ("CC BY-SA-NC 4.0", "CC-BY-NC-SA-4.0", "BY-NC-SA",
     "https://creativecommons.org/licenses/by-nc-sa/4.0/"),
    ("CC0 1.0 Universal (CC0 1.0) Public Domain Dedication", "CC0-1.0", "",
     "https://creativecommons.org/publicdomain/zero/1.0/"),
    ("Public Domain Mark 1.0", "CC-PDM-1.0", "",
     "https://creativecommons.org/publicdomain/mark/1.0/"),
    ("Cc-by-sa-2.5,2.0,1.0", "CC-BY-SA-2.5 OR CC-BY-SA-2.0 OR CC-BY-SA-1.0", "BY-SA", None),
    ("cc-by-sa-all", "CC-BY-SA-3.0 OR CC-BY-SA-2.5 OR CC-BY-SA-2.0 OR CC-BY-SA-1.0", "BY-SA",
     None),
    ("CC BY-NC 2.0; CC BY 2.0", "CC-BY-NC-2.0 OR CC-BY-2.0", "BY", None),
    ("CC-BY-SA-3.0,GFDL-1.2-only", "CC-BY-SA-3.0 OR GFDL-1.2-only", None, None),
    ("CC BY 4.0, except the drums", "CC BY 4.0, except the drums", None, None),
    ("CC BY CC BY-SA", "CC BY CC BY-SA", None, None),
]  # fmt: skip


@pytest.mark.parametrize("stated, name, code, address", NAMES)
def test_a_licence_is_known_by_its_id_its_name_or_its_address(
    stated: str, name: str, code: str | None, address: str | None
) -> None:
    terms = terms_of(stated)
    assert (terms.name, terms.address) == (name, address)
    assert (None if terms.elements is None else terms.code) == code


def test_the_elements_are_those_of_the_licences_themselves(cc: Path) -> None:
    files = [*cc.glob("*.rdf")]
    assert len(files) == 7
    for file in files:
        text = file.read_text("utf-8")
        about = re.search(r'cc:License rdf:about="([^"]+)"', text)
        assert about
        said = re.findall(rf'cc:(?:requires|prohibits) rdf:resource="{NS}(\w+)"', text)
        elements = {ELEMENTS[one] for one in said if one in ELEMENTS}
        if f'cc:permits rdf:resource="{NS}DerivativeWorks"' not in text:
            elements.add("ND")
        assert terms_of(about[1]).elements == elements, file.name


def test_what_may_be_made_from_what_is_the_chart_of_creative_commons(cc: Path) -> None:
    chart = json.loads((cc / "cc_adapter_chart.json").read_text("utf-8"))
    for parent, child in product(EVERY, EVERY):
        allowed = child in chart["green"][parent]
        assert (not [*broken(named(parent), named(child), "adaptation")]) == allowed, (
            parent,
            child,
        )
    for one, other in chart["remix_pair_forbidden"]:
        if other != "*":
            assert cannot_be_joined([named(one), named(other)])
    for one in EVERY:
        assert cannot_be_joined([named(one), named("BY")]) is None


@pytest.mark.parametrize("kind", ["component", "influence"])
@pytest.mark.parametrize("parent", EVERY)
def test_a_collection_and_an_influence_adapt_nothing(parent: str, kind: str) -> None:
    assert not [*broken(named(parent), named("PD"), kind)]


ALIKE = [
    ("CC-BY-SA-3.0", "CC-BY-SA-4.0", True),
    ("CC-BY-SA-4.0", "CC-BY-SA-3.0", False),
    ("CC-BY-SA-4.0", "CC-BY-SA", True),
    ("CC-BY-SA-4.0", "LAL-1.3", True),
    ("CC-BY-SA-4.0", "GPL-3.0-or-later", True),
    ("CC-BY-NC-SA-4.0", "GPL-3.0-or-later", False),
    ("CC-BY-SA-4.0", "MIT", False),
    ("GPL-3.0-or-later", "CC-BY-SA-4.0", True),
    # Of several, who makes something chooses one; what is made has to suit under each of its own.
    ("CC-BY-SA-4.0 OR CC-BY-NC-SA-4.0", "CC-BY-NC-SA-4.0", True),
    ("cc-by-sa-all", "CC-BY-SA-4.0", True),
    ("cc-by-sa-all", "CC-BY-4.0", False),
    ("CC-BY-SA-4.0 OR MIT", "CC-BY-4.0", True),
    ("CC-BY-SA-4.0", "CC-BY-SA-4.0 OR MIT", False),
]


@pytest.mark.parametrize("parent, child, allowed", ALIKE)
def test_share_alike_takes_later_versions_and_compatible_licences(
    parent: str, child: str, allowed: bool
) -> None:
    assert [*broken(terms_of(parent), terms_of(child), "sample")] == ["share_alike"] * (not allowed)


# -- along a lineage -----------------------------------------------------------------------


def posted(told: Story, title: str, licence: str | None, *sources: str, **said: Any) -> str:
    cited = [{"work": source, "kind": "adaptation"} for source in sources]
    post = {"title": title, "medium": "text", "licence": licence, "sources": cited, **said}
    return told.tell("submit_contribution", **post).id


def test_every_licence_is_listed_and_every_conflict_named_with_its_source(database: str) -> None:
    with story(database) as told:
        photo = posted(told, "photo", "CC BY-NC 4.0")
        loop = posted(told, "loop", "https://creativecommons.org/licenses/by-sa/4.0/")
        verse = posted(told, "verse", None)
        cut = posted(told, "cut", "CC-BY-4.0", photo, loop, verse)
        film = told.release("film", cut)
        with told.view() as view:
            answer = licences.licences(view, film)
            names = {one["work"]["title"]: one["name"] for one in answer["works"]}
            assert names == {
                "film": None,
                "cut": "CC-BY-4.0",
                "photo": "CC-BY-NC-4.0",
                "loop": "CC-BY-SA-4.0",
                "verse": None,
            }
            assert answer["unstated"] == 2
            found = {(one["code"], one["child"]["title"], one["parent"]["title"]): one
                     for one in answer["conflicts"]}  # fmt: skip
            assert set(found) == {
                ("non_commercial_dropped", "cut", "photo"),
                ("share_alike", "cut", "loop"),
                ("non_commercial", "film", "photo"),
            }
            for (code, *_), one in found.items():
                assert (one["detail"], one["source"]) == RULES[code]
                assert one["only_if_sold"] == (one["remix"] is None) == (code == "non_commercial")
            head = told.head()
        told.tell("describe_work", id=photo, licence="CC0-1.0", reason="Given away.")
        with told.view() as view:
            codes = {one["code"] for one in licences.licences(view, film)["conflicts"]}
            assert codes == {"share_alike"}
        with told.view(as_of=head) as view:
            assert licences.licences(view, film) == answer


def test_sources_that_nothing_can_join_are_named_while_no_licence_is_stated(
    database: str,
) -> None:
    with story(database) as told:
        free, other = posted(told, "free", "CC-BY-4.0"), posted(told, "other", "CC-BY-SA-4.0")
        third = posted(told, "third", "CC-BY-NC-4.0")
        mixed = posted(told, "mixed", None, free, other, third)
        with told.view() as view:
            conflicts = licences.licences(view, mixed)["conflicts"]
            pair = [
                one["parent"]["title"] for one in conflicts if one["code"] == "incompatible_sources"
            ]
            assert pair == ["other", "third"]


HOSTILE = "<b>[x](javascript:1)*&\"'"


def test_the_attribution_is_ready_to_paste_and_never_markup_of_others(database: str) -> None:
    with story(database) as told:
        ana = told.person("Ana <i>")
        credited = [{"contributor": ana, "role": "writer"}]
        first = posted(told, HOSTILE, "CC-BY-4.0", authors=credited)
        free = posted(told, "free", "CC0-1.0")
        chosen = posted(told, "dual", "CC BY 3.0, MIT")
        top = posted(told, "top", None, first, free, chosen)
        with told.view() as view:
            asking: Any = SimpleNamespace(view=view, said={"id": top})
            text, html, markdown = (
                str(FORMS[name].write(asking)) for name in ("attribution", "html", "markdown")
            )
    address = "https://creativecommons.org/licenses/by/4.0/"
    older, mit = address.replace("4.0", "3.0"), "https://spdx.org/licenses/MIT.html"
    assert text == (
        f"“{HOSTILE}” by Ana <i>, licensed under CC-BY-4.0 ({address})\n"
        f"“dual”, licensed under CC-BY-3.0 ({older}) or MIT ({mit})\n"
    )
    assert html == (
        "<ul>\n<li>“&lt;b&gt;[x](javascript:1)*&amp;&quot;&#x27;” by Ana &lt;i&gt;, licensed under "
        f'<a href="{address}">CC-BY-4.0</a></li>\n'
        f'<li>“dual”, licensed under <a href="{older}">CC-BY-3.0</a> or '
        f'<a href="{mit}">MIT</a></li>\n</ul>\n'
    )
    assert markdown == (
        "- “\\<b\\>\\[x\\]\\(javascript:1\\)\\*\\&\"'” by Ana \\<i\\>, licensed under "
        f"[CC\\-BY\\-4\\.0](<{address}>)\n"
        f"- “dual”, licensed under [CC\\-BY\\-3\\.0](<{older}>) or [MIT](<{mit}>)\n"
    )


def test_many_works_are_counted_and_the_nearest_listed(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(licences, "MOST_SHOWN", 3)
    with story(database) as told:
        chain = [posted(told, "0", "CC-BY-ND-4.0")]
        for number in range(1, 6):
            chain.append(posted(told, str(number), "CC-BY-ND-4.0", chain[-1]))
        with told.view() as view:
            answer = of(view, chain[-1]).answer()
            assert [one["generation"] for one in answer["works"]] == [0, 1, 2]
            assert answer["left_out"] == 3
            assert len(answer["conflicts"]) == 3


# -- when it is recorded ---------------------------------------------------------------------


def test_what_a_licence_does_not_allow_is_recorded_with_a_warning(database: str) -> None:
    with story(database) as told:
        still = posted(told, "still", "CC-BY-ND-4.0")
        cited = [{"work": still, "kind": "adaptation"}]
        cited += [{"uri": "https://example.org/x", "kind": "sample", "licence": "CC-BY-SA-4.0"}]
        said = {"title": "cut", "medium": "text", "licence": "CC-BY-4.0", "sources": cited}
        receipt = told.tell("submit_contribution", **said)
        assert [one.code for one in receipt.warnings] == ["licence_conflict"] * 2
        assert "(no_derivatives)" in receipt.warnings[0].detail
        assert "(share_alike)" in receipt.warnings[1].detail
        late = told.tell(
            "declare_remix", child=posted(told, "late", None), parent=still, kind="sample"
        )
        assert [one.code for one in late.warnings] == ["licence_conflict"]
        quoted = {"child": posted(told, "album", None), "parent": still, "kind": "component"}
        assert not told.tell("declare_remix", **quoted).warnings


def refuses(told: Story, **said: Any) -> None:
    with pytest.raises(LicenceConflict) as refused:
        told.tell("submit_contribution", title="cut", medium="text", **said)
    assert refused.value.details["code_of_rule"] == "no_derivatives"


def test_by_setting_it_is_refused_except_in_an_import(database: str) -> None:
    with story(database, refuses_licences=True) as told:
        still = posted(told, "still", "CC-BY-ND-4.0")
        cited = [{"work": still, "kind": "adaptation"}]
        said = {"title": "cut", "medium": "text", "sources": cited}
        refuses(told, sources=cited)
        # What a poster says of a source now is no way around what is on record, or said beside it.
        elsewhere = {"uri": "https://example.org/x", "licence": "CC-BY-ND-4.0"}
        freed = {"uri": "https://example.org/x", "kind": "adaptation", "licence": "CC0-1.0"}
        beside = [{**elsewhere, "kind": "influence"}, freed]
        refuses(told, sources=beside)
        refuses(told, sources=beside[::-1])
        posted(told, "page", None, sources=[{**elsewhere, "kind": "influence"}])
        refuses(told, sources=[freed])
        refuses(told, sources=[{**freed, "uri": "HTTPS://example.org:443/%78"}])
        line = {"type": "contribution", "id": "cut", **said}
        report = import_lines(told.journal, [FoundLine("line 1", line)])
        assert report.refused == []
        assert "(no_derivatives)" in report.warned[0].warning
    assert read_settings({"STEMMA_REFUSE_LICENCES": "yes"}).refuses_licences
    assert not read_settings({}).refuses_licences
