"""The list of samples of whosampled-viz as a bundle."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from projections.shops.line import Line

# The four links of the list that form cycles, child first.  Each contradicts
# a link in the other direction, and a record cannot use one that did not exist yet:
# "I'm Too Sexy" (1991) is built on Jimi Hendrix (1967), Lyn Collins (1972) and
# the beats of Bobby Byrd's "Hot Pants"; "Without Me" (2002) opens with the start
# of "Rap Name".
WRONG_WAY_ROUND = frozenset(
    {
        ("Third-Stone-From-the-Sun:Jimi-Hendrix", "I'm-Too-Sexy:Right-Said-Fred"),
        ("Think-(About-It):Lyn-Collins", "I'm-Too-Sexy:Right-Said-Fred"),
        ("Hot-Pants-(Bonus-Beats):Bobby-Byrd", "I'm-Too-Sexy:Right-Said-Fred"),
        ("Rap-Name:Obie-Trice", "Without-Me:Eminem"),
    }
)


def convert_whosampled(path: Path | str) -> Iterator[Line]:
    """The artists, tracks and samples of the `viz_demo.json` of whosampled-viz.

    Its nodes are named "Title:Artist" and its links hold node numbers: the
    source samples the target ("Straight Outta Compton", 1988, is the source and
    "Amen, Brother", 1969, the target).  There are no dates, so the order of the
    lines is the order of making, and a track comes after all that it samples.
    """
    listed = json.loads(Path(path).read_text(encoding="utf-8"))
    names: list[str] = [node["name"] for node in listed["nodes"]]
    links: list[tuple[int, int]] = [(link["source"], link["target"]) for link in listed["links"]]
    artists = [name.rpartition(":")[2] for name in names]
    for artist in dict.fromkeys(artists):
        yield {"type": "contributor", "id": f"whosampled:artist:{artist}", "name": _spaced(artist)}
    for track in _oldest_first(names, links):
        yield {
            "type": "contribution",
            "id": f"whosampled:track:{track}",
            "title": _spaced(names[track].rpartition(":")[0]),
            "medium": "audio",
            "authors": [
                {"contributor": f"whosampled:artist:{artists[track]}", "role": "performer"}
            ],
            "sources": [],
        }
    # A line each, so that a refused link does not take its track along; numbered,
    # because the list holds some pairs twice: two samples of one song.
    for number, (child, parent) in enumerate(links):
        yield {
            "type": "remix",
            "id": f"whosampled:link:{number}",
            "child": f"whosampled:track:{child}",
            "parent": f"whosampled:track:{parent}",
            "kind": "sample",
        }


def _oldest_first(names: list[str], links: Iterable[tuple[int, int]]) -> Iterator[int]:
    """Every track after all that it samples; otherwise by number.

    Tracks of a cycle stay together, by number: the import refuses the links
    that then point backwards.
    """
    import networkx as nx

    samples: nx.DiGraph[int] = nx.DiGraph()
    samples.add_nodes_from(range(len(names)))
    samples.add_edges_from(
        (parent, child)
        for child, parent in links
        if (names[child], names[parent]) not in WRONG_WAY_ROUND
    )
    cycles = nx.condensation(samples)
    members = {cycle: sorted(cycles.nodes[cycle]["members"]) for cycle in cycles}
    for cycle in nx.lexicographical_topological_sort(cycles, key=lambda one: members[one][0]):
        yield from members[cycle]


def _spaced(name: str) -> str:
    # The list writes a hyphen for every space and so cannot tell "Jay-Z" from
    # "Jay Z"; only a hyphen between two spaces is still recognisable.
    spaced = " - ".join(part.replace("-", " ") for part in name.split("---"))
    return " ".join(spaced.split())
