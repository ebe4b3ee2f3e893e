"""A lineage in the formats other tools read: GraphML, Graphviz DOT, and JSON-LD in PROV-O.

Every format has the same nodes and edges; an arrow points from a work to what it was made from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from domain.printable import one_line, printable
from domain.values import WorkId
from projections import graph as graph_in_pages
from projections.billing import lineage_with_makers, made_with_ai, name_of
from projections.lineage import Shown
from projections.question import After, Asking, Format, question
from projections.store import View
from projections.told import LineageTold

if TYPE_CHECKING:
    import networkx as nx


_NOT_IN_XML = re.compile("[\ufffe\uffff]")
"""Characters, besides control characters, that XML 1.0 cannot hold even escaped."""


def label(node: Mapping[str, Any]) -> str:
    """The label of a work: its title, or else its address, or else its state and kind."""
    if node["title"]:
        return str(node["title"])
    if node["uri"]:
        return str(node["uri"])
    return f"({node['state']} {node['kind']})"


def graph(shown: Shown) -> nx.MultiDiGraph[str]:
    """The lineage as a networkx graph, with edges keyed by the ids of remixes."""
    import networkx as nx

    made: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    for node in shown.works.values():
        content = {name: value for name, value in node.items() if value is not None}
        if "contributors" in content:
            # GraphML has no lists.
            content["contributors"] = _all_credited(node)
        made.add_node(content.pop("id"), label=label(node), **content)
    for edge in shown.lineage.edges:
        content = {"kind": edge.kind, "rate": edge.rate, "state": edge.state}
        stated = {name: value for name, value in content.items() if value is not None}
        made.add_edge(edge.child, edge.parent, key=edge.id, **stated)
    return made


def _all_credited(node: Mapping[str, Any]) -> str:
    more = node.get("contributors_left_out")
    names = [*map(_credited, node.get("contributors", ()))]
    return ", ".join([*names, f"{more} more"] if more else names)


def _credited(one: Mapping[str, Any]) -> str:
    character = f": {one['character']}" if one["character"] else ""
    said = filter(None, (f"{one['role']}{character}", made_with_ai(one)))
    return f"{name_of(one, one['id'])} ({', '.join(said)})"


def graphml(shown: Shown) -> str:
    """GraphML (graphml.graphdrawing.org), as Gephi, yEd and networkx read it."""
    from networkx import generate_graphml

    made = graph(shown)
    for _, content in made.nodes(data=True):
        for name, value in content.items():
            if isinstance(value, str):
                content[name] = _NOT_IN_XML.sub("\ufffd", printable(value))
    return "\n".join(generate_graphml(made)) + "\n"


def dot(shown: Shown) -> str:
    """Graphviz DOT, with the names of those credited below each title."""
    lines = ["digraph lineage {", "  rankdir=BT;", '  node [shape=box, style="rounded"];']
    for node in shown.works.values():
        style = ', style="rounded,dashed"' if node["kind"] == "outside" else ""
        bold = ", penwidth=2" if node["id"] == shown.lineage.root else ""
        lines.append(f"  {_quoted(node['id'])} [label={_quoted(_labelled(node))}{style}{bold}];")
    for edge in shown.lineage.edges:
        says = edge.kind if edge.rate is None else f"{edge.kind} {edge.rate}"
        style = ", style=dashed" if edge.kind == "influence" else ""
        ends = f"{_quoted(edge.child)} -> {_quoted(edge.parent)}"
        lines.append(f"  {ends} [label={_quoted(says)}{style}];")
    return "\n".join([*lines, "}"]) + "\n"


def _labelled(node: Mapping[str, Any]) -> str:
    return "\n".join(filter(None, map(one_line, (label(node), _all_credited(node)))))


def _quoted(text: str) -> str:
    escaped = printable(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def json_ld(shown: Shown, base: str) -> dict[str, Any]:
    """JSON-LD in the terms of PROV-O and Dublin Core; ``base`` is the URL of /works/."""
    derived: dict[str, list[dict[str, Any]]] = {}
    for edge in shown.lineage.edges:
        derived.setdefault(edge.child, []).append(
            {
                "@type": "prov:Derivation",
                "prov:entity": {"@id": base + edge.parent},
                "stemma:kind": edge.kind,
                "stemma:state": edge.state,
                **({} if edge.rate is None else {"stemma:rate": edge.rate}),
            }
        )
    return {
        "@context": {
            "prov": "http://www.w3.org/ns/prov#",
            "dcterms": "http://purl.org/dc/terms/",
            "stemma": base + "#",
        },
        "@graph": [
            {
                "@id": base + node["id"],
                "@type": "prov:Entity",
                "dcterms:title": label(node),
                **({} if node["made_at"] is None else {"dcterms:created": node["made_at"]}),
                **_contributors(node.get("contributors", ())),
                **({} if node["uri"] is None else {"prov:alternateOf": {"@id": node["uri"]}}),
                **(
                    {
                        "prov:wasDerivedFrom": [one["prov:entity"] for one in derived[node["id"]]],
                        "prov:qualifiedDerivation": derived[node["id"]],
                    }
                    if node["id"] in derived
                    else {}
                ),
            }
            for node in shown.works.values()
        ],
    }


def _contributors(makers: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """The names on credits in order, each once; a hidden credit has its id instead."""
    names = list(dict.fromkeys(name_of(one, one["id"]) for one in makers))
    return {"dcterms:contributor": names} if names else {}


def _shown(asking: Asking) -> Shown:
    return lineage_with_makers(asking.view, asking.said["id"])


def _json_ld_at(asking: Asking) -> Mapping[str, Any]:
    return json_ld(_shown(asking), f"{asking.origin}works/" if asking.origin else "urn:uuid:")


FORMS = {
    "graphml": Format(
        "application/graphml+xml",
        lambda asking: graphml(_shown(asking)),
        "<graphml>…</graphml>",
    ),
    "dot": Format("text/vnd.graphviz", lambda asking: dot(_shown(asking)), "digraph lineage { … }"),
    "jsonld": Format(
        "application/ld+json",
        _json_ld_at,
        {"@context": {"prov": "http://www.w3.org/ns/prov#"}, "@graph": []},
        has_links=True,
    ),
}
"""The formats of a lineage besides JSON."""


@question("show_lineage", "/works/{id}/lineage", cli="lineage", as_published=True, forms=FORMS)
def lineage_of(view: View, id: WorkId, *, after: After | None = None) -> LineageTold:
    """Everything a work was made from, as a graph; also as GraphML, DOT and JSON-LD.

    Those are complete. As JSON, a very large lineage comes in pages, the nearest works first: each
    page has works, and their edges to their direct sources.
    """
    return graph_in_pages.page(view, id, after)
