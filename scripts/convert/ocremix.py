"""The tables of ocremix-data as a bundle: remixes of the music of games, and who made them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from projections.shops.line import Line


def convert_ocremix(folder: Path | str) -> Iterator[Line]:
    """The artists, remixes and arranged games of the three tables of ocremix-data.

    A game is an outside source, cited by a URN made from its number there.  Only the column
    `has_lyrics` is left out: a bundle has no field for it.
    """
    tables = Path(folder)
    named = {row["artist_id"]: row["name"] for row in _rows(tables / "artists.csv")}
    credited: dict[str, list[str]] = {}
    for row in _rows(tables / "remix_artist.csv"):
        credited.setdefault(row["remix_id"], []).append(row["artist_id"])
    used = dict.fromkeys(chain.from_iterable(credited.values()))
    for artist in {**named, **used}:
        yield {
            "type": "contributor",
            "id": f"ocremix:artist:{artist}",
            "name": named.get(artist, f"OC ReMix artist {artist}"),
        }
    for row in _rows(tables / "remixes.csv"):
        yield {
            "type": "contribution",
            "id": f"ocremix:remix:{row['remix_id']}",
            "title": row["title"].strip(),
            "medium": "audio",
            "authors": [
                {"contributor": f"ocremix:artist:{artist}", "role": "remixer"}
                for artist in credited.pop(row["remix_id"], [])
            ],
            "sources": [
                {
                    "uri": f"urn:ocremix:game:{row['game_id']}",
                    "kind": "arrangement",
                    "note": row["game"],
                    "title": row["game"].strip(),
                }
            ],
        }
    # The rest name a remix that is not in the list; the import reports them.
    for remix, artists in credited.items():
        for artist in artists:
            yield {
                "type": "credit",
                "id": f"ocremix:credit:{remix}:{artist}",
                "work": f"ocremix:remix:{remix}",
                "contributor": f"ocremix:artist:{artist}",
                "role": "remixer",
                "kind": "direct",
            }


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as table:
        yield from csv.DictReader(table)
