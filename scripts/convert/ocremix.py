"""The tables of ocremix-data as a bundle: remixes of the music of games, and who made them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from projections.shops.line import Line
from scripts.convert.reading import rows


def convert_ocremix(folder: Path | str) -> Iterator[Line]:
    """The artists, remixes and arranged games of the three tables of ocremix-data.

    A game is an outside source, cited by a URN made from its number there.  Only the column
    `has_lyrics` is left out: a bundle has no field for it.
    """
    tables = Path(folder)
    artists = rows(tables / "artists.csv", "artist_id", "name")
    named = {row["artist_id"]: row["name"] for row in artists}
    credited: dict[str, list[str]] = {}
    for row in rows(tables / "remix_artist.csv", "remix_id", "artist_id"):
        credited.setdefault(row["remix_id"], []).append(row["artist_id"])
    used = dict.fromkeys(chain.from_iterable(credited.values()))
    for artist in {**named, **used}:
        yield {
            "type": "contributor",
            "id": f"ocremix:artist:{artist}",
            "name": named.get(artist, f"OC ReMix artist {artist}"),
        }
    for row in rows(tables / "remixes.csv", "remix_id", "title", "game_id", "game"):
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
    for remix, others in credited.items():
        for artist in others:
            yield {
                "type": "credit",
                "id": f"ocremix:credit:{remix}:{artist}",
                "work": f"ocremix:remix:{remix}",
                "contributor": f"ocremix:artist:{artist}",
                "role": "remixer",
                "kind": "direct",
            }
