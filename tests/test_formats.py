"""Every form of a lineage tells the same nodes and edges, whatever the titles hold."""

import io
import json
import re
from xml.etree import ElementTree

import networkx as nx
from stories import Story, id_of

from domain.outside import outside_id
from domain.printable import CONTROLS
from projections import billing, formats, lineage
from projections.lineage import Shown

AWKWARD = [
    'say "hi"',
    "back\\slash",
    "ends with \\",
    "two\nlines\r\nthree",
    "<b>&amp;</b>",
    "]]>",
    "\x01\x0b\x1f control",
    "\ufffe not a character",
    "😀 ä \u2028",
    "{} [] -> ; //",
    "\\N \\G \\L",
    "\x1b[2J\x9b clear\x7f \u202eturned\u2066",
]


def awkward_lineage(told: Story) -> Shown:
    """A release of pieces with awkward titles, a source outside, two edges of one pair."""
    ana = told.person("Ana")
    pieces = [told.piece(title, by=[ana]) for title in AWKWARD]
    told.tell("declare_remix", child=pieces[0], uri="https://example.org/?a=1&b=2", kind="sample")
    told.edge(pieces[1], pieces[0], "sample", rate="1/5")
    told.edge(pieces[1], pieces[0], "influence", rate="0.2")
    told.tell("withdraw_contribution", id=pieces[2], reason="r")
    release = told.release("release", *pieces)
    with told.view() as view:
        return billing.lineage_with_makers(view, release)


def ends(found: Shown) -> list[tuple[str, str]]:
    return sorted(edge[:2] for edge in found.lineage.edges)


def test_graphml_is_read_back_to_the_same_graph(told: Story) -> None:
    found = awkward_lineage(told)
    text = formats.graphml(found)
    ElementTree.fromstring(text)
    graph = nx.read_graphml(io.BytesIO(text.encode()), force_multigraph=True)
    assert graph.is_directed()
    assert set(graph.nodes) == set(found.works)
    assert not CONTROLS.search(text)
    assert sorted(graph.edges()) == ends(found)
    assert {key for _, _, key in graph.edges(keys=True)} == {
        edge.id for edge in found.lineage.edges
    }
    labels = nx.get_node_attributes(graph, "label")
    assert labels[id_of("<b>&amp;</b>")] == "<b>&amp;</b>"
    assert labels[id_of(AWKWARD[6])] == "\ufffd\ufffd\ufffd control"
    assert labels[id_of(AWKWARD[2])] == "(withdrawn contribution)"
    assert labels[outside_id("https://example.org/?a=1&b=2")] == "https://example.org/?a=1&b=2"


_STRING = r'"((?:[^"\\]|\\.)*)"'


def test_dot_has_a_line_for_every_node_and_edge(told: Story) -> None:
    found = awkward_lineage(told)
    text = formats.dot(found)
    edges = re.findall(rf"^  {_STRING} -> {_STRING} \[label={_STRING}.*\];$", text, re.MULTILINE)
    nodes = re.findall(rf"^  {_STRING} \[label={_STRING}.*\];$", text, re.MULTILINE)
    assert sorted((child, parent) for child, parent, _ in edges) == ends(found)
    assert {id for id, _ in nodes} == set(found.works)
    assert text.count("\n") == 4 + len(nodes) + len(edges)
    labels = dict(nodes)
    assert labels[id_of('say "hi"')] == 'say \\"hi\\"\\nAna (writer)'
    assert labels[id_of("\\N \\G \\L")] == "\\\\N \\\\G \\\\L\\nAna (writer)"
    assert "Unmistakable" not in text
    assert not CONTROLS.search(text)


def test_no_title_adds_one_who_is_credited_to_a_picture_in_dot(told: Story) -> None:
    work = told.piece("Low Tide\nNobody (singer)")
    with told.view() as view:
        text = formats.dot(billing.lineage_with_makers(view, work))
    assert 'label="Low Tide Nobody (singer)' in text


def test_json_ld_says_what_was_derived_from_what(told: Story) -> None:
    found = awkward_lineage(told)
    base = "https://stemma.example/works/"
    document = json.loads(json.dumps(formats.json_ld(found, base)))
    assert set(document) == {"@context", "@graph"}
    by_id = {node["@id"]: node for node in document["@graph"]}
    assert set(by_id) == {base + id for id in found.works}
    derived = sorted(
        (id.removeprefix(base), parent["@id"].removeprefix(base))
        for id, node in by_id.items()
        for parent in node.get("prov:wasDerivedFrom", [])
    )
    assert derived == ends(found)
    rates = {
        one["stemma:kind"]: one.get("stemma:rate")
        for one in by_id[base + id_of(AWKWARD[1])]["prov:qualifiedDerivation"]
    }
    assert rates == {"sample": "1/5", "influence": "0.2"}
    # Every prefix that is used is declared.
    used = set(re.findall(r'"([a-z]+):[A-Za-z]+":', json.dumps(document["@graph"])))
    assert used <= set(document["@context"])


def test_a_work_made_from_nothing_is_one_node(told: Story) -> None:
    piece = told.piece("piece")
    with told.view() as view:
        found = lineage.lineage(view, piece)
    assert list(found.works) == [found.lineage.root] == [piece]
    assert not found.lineage.edges
    assert len(nx.parse_graphml(formats.graphml(found)).nodes) == 1
    assert len(formats.json_ld(found, "https://x.example/")["@graph"]) == 1
    assert "->" not in formats.dot(found)


NAMED = ("display", "credited_as", "join_phrase", "character", "ai", "ai_tool")


def test_a_lineage_names_who_made_each_piece(told: Story) -> None:
    ana, ben = told.person("Ana"), told.person("Ben")
    piece = told.piece("piece", by=[ana, ben])
    told.credit(piece, ben, "editor", kind="influence")
    with told.view() as view:
        (node,) = billing.lineage_with_makers(view, piece).works.values()
    assert node["contributors"] == [
        {"id": id, "name": name, "role": "writer", **dict.fromkeys(NAMED)}
        for id, name in ((ana, "Ana"), (ben, "Ben"))
    ]
