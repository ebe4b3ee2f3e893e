"""The list of samples of whosampled-viz as a bundle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from projections.shops.line import Line, NotConvertible
from scripts.convert.reading import Fields, loaded, objects, reading

EXPECTED = (
    "viz_demo.json of whosampled-viz, with “nodes” that have a “name”, "
    "and “links” with the numbers of two nodes as “source” and “target”"
)

# The four links of the list that form cycles, child first: they come last, so that they and no
# others are refused.  Each contradicts a link in the other direction, by the years:
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
    "Amen, Brother", 1969, the target).
    """
    with reading(Path(path), EXPECTED):
        listed = loaded(Path(path))
        names: list[str] = [node["name"] for _, node in objects(listed, "nodes")]
        artists = [name.rpartition(":")[2] for name in names]
        links = [_ends(place, link, len(names)) for place, link in objects(listed, "links")]
    for artist in dict.fromkeys(artists):
        yield {"type": "contributor", "id": f"whosampled:artist:{artist}", "name": _spaced(artist)}
    for track, (name, artist) in enumerate(zip(names, artists, strict=True)):
        yield {
            "type": "contribution",
            "id": f"whosampled:track:{track}",
            "title": _spaced(name.rpartition(":")[0]),
            "medium": "audio",
            "authors": [{"contributor": f"whosampled:artist:{artist}", "role": "performer"}],
        }
    # A line each, so that a refused link does not take its track along; numbered,
    # because the list holds some pairs twice: two samples of one song.
    wrong_last = sorted(
        enumerate(links), key=lambda one: tuple(names[end] for end in one[1]) in WRONG_WAY_ROUND
    )
    for number, (child, parent) in wrong_last:
        yield {
            "type": "remix",
            "id": f"whosampled:link:{number}",
            "child": f"whosampled:track:{child}",
            "parent": f"whosampled:track:{parent}",
            "kind": "sample",
        }


def _ends(place: str, link: Fields, nodes: int) -> tuple[int, int]:
    """The numbers of the nodes that a link joins, child first."""
    ends = link["source"], link["target"]
    for end in ends:
        if not isinstance(end, int) or not 0 <= end < nodes:
            raise NotConvertible(f"{place} names node {end}, and the last is {nodes - 1}")
    return ends


def _spaced(name: str) -> str:
    # The list writes a hyphen for every space and so cannot tell "Jay-Z" from
    # "Jay Z"; only a hyphen between two spaces is still recognisable.
    spaced = " - ".join(part.replace("-", " ") for part in name.split("---"))
    return " ".join(spaced.split())
