"""Answers of the MusicBrainz API as a bundle: recordings, releases, artist credits, relationships.

Names on a credit, join phrases and the attributes of a relationship (which instrument, which voice)
are kept. What a recording performs or samples is its source; a work of MusicBrainz is cited.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from domain.refusal import UnknownRole
from domain.role import role_named
from projections.shops.line import Line, NotConvertible

SITE = "https://musicbrainz.org"
MADE_FROM = {
    "performance": "adaptation",
    "samples material": "sample",
    "remix": "adaptation",
    "edit": "adaptation",
    "remaster": "adaptation",
    "mashes up": "sample",
    "compilation": "component",
    "DJ-mix": "component",
    "karaoke": "arrangement",
}
"""The kind of remix for a relationship between recordings, or of a recording with a work."""
PARTS = {"partial", "medley"}
"""Attributes of a performance of no more than a part."""
GENERAL = ("performer", "vocal", "instrument")
"""Relationships of which an attribute says more."""
ROLES = {"mix-DJ": "dj"}
"""Roles of relationships that are no word of the vocabulary."""
OF_RELEASES = {"media", "release-group", "packaging", "barcode"}
"""Fields that only releases have."""
OTHER = "performer"
"""The role of what the vocabulary has no word for; the wording is kept."""


def convert_musicbrainz(path: Path | str) -> Iterator[Line]:
    """An answer about a recording or a release, or a folder of such answers.

    Raises NotConvertible for anything else.
    """
    files = sorted(Path(path).glob("*.json")) if Path(path).is_dir() else [Path(path)]
    seen = set[str]()
    for file in files:
        try:
            lines = [*_of_answer(json.loads(file.read_text("utf-8")))]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NotConvertible(f"{file.name} is no answer of MusicBrainz ({error!r})") from None
        for line in lines:
            id = str(line.get("id", line))
            if id not in seen:
                seen.add(id)
                yield line


def _of_answer(told: dict[str, Any]) -> Iterator[Line]:
    if told.keys() & OF_RELEASES:
        yield from _release(told)
    else:
        yield from _recording(told)


def _recording(told: dict[str, Any]) -> Iterator[Line]:
    id, relations = _recording_id(told), told.get("relations", [])
    sources = [one for one in relations if _is_source(one)]
    yield from _artists(told)
    for one in sources:
        if one["target-type"] == "recording":
            yield from _recording(one["recording"])
    yield {
        "type": "contribution",
        "id": id,
        "title": told["title"],
        "medium": "video" if told.get("video") else "audio",
        **({"made_at": date} if (date := told.get("first-release-date")) else {}),
        "authors": [*_artist_credit(told), *_credits(relations)],
        "sources": [*map(_source, sources)],
    }
    for one in relations:
        if one["target-type"] == "recording" and not _is_source(one) and one["type"] in MADE_FROM:
            yield from _recording(one["recording"])
            kind, made = MADE_FROM[one["type"]], _recording_id(one["recording"])
            line: Line = {"type": "remix", "child": made, "parent": id, "kind": kind}
            yield {**line, "id": f"musicbrainz:{one['type']}:{made}:{id}"}


def _release(told: dict[str, Any]) -> Iterator[Line]:
    id, components = f"musicbrainz:release:{told['id']}", list[Line]()
    yield from _artists(told)
    for medium in told.get("media", []):
        for track in medium.get("tracks", []):
            yield from _recording(track["recording"])
            recording = _recording_id(track["recording"])
            components.append({"work": recording})
    said: Line = {"id": id, "title": told["title"]}
    said |= {"made_at": told["date"]} if told.get("date") else {}
    if components:
        yield {"type": "release", **said, "components": components}
    else:  # the answer leaves the recordings out
        yield {"type": "contribution", "medium": "audio", **said}
    credited = [*_artist_credit(told), *_credits(told.get("relations", []))]
    for number, credit in enumerate(credited):
        yield {"type": "credit", "id": f"{id}:{number}", "work": id, **credit}


def _recording_id(told: dict[str, Any]) -> str:
    return f"musicbrainz:recording:{told['id']}"


def _artist_id(artist: dict[str, Any]) -> str:
    return f"musicbrainz:artist:{artist['id']}"


def _artists(told: dict[str, Any]) -> Iterator[Line]:
    related = (one.get("artist") for one in told.get("relations", []))
    for artist in (*(one["artist"] for one in told.get("artist-credit", [])), *related):
        if artist is not None:
            yield {"type": "contributor", "id": _artist_id(artist), "name": artist["name"]}


def _artist_credit(told: dict[str, Any]) -> Iterator[Line]:
    """Who performs, in this order, each with the name and the phrase that stand there."""
    for place, one in enumerate(told.get("artist-credit", []), start=1):
        line: Line = {"contributor": _artist_id(one["artist"]), "role": "performer"}
        if one.get("name") and one["name"] != one["artist"]["name"]:
            line["credited_as"] = one["name"]
        if one.get("joinphrase"):
            line["join_phrase"] = one["joinphrase"]
        yield {**line, "billing": place}


def _credits(relations: Iterable[dict[str, Any]]) -> Iterator[Line]:
    """A credit for each attribute of a relationship with an artist, or for its type."""
    for one in relations:
        if one["target-type"] != "artist":
            continue
        attributes = one.get("attributes", [])
        for word in attributes if one["type"] in GENERAL and attributes else [one["type"]]:
            wording = ", ".join(dict.fromkeys((word, *attributes)))
            line: Line = {"contributor": _artist_id(one["artist"]), **_role(word, one, wording)}
            if one.get("target-credit"):
                line["credited_as"] = one["target-credit"]
            yield line


def _role(word: str, relation: dict[str, Any], wording: str) -> Line:
    """The role that a word names, else that of the relationship, with the wording beside it."""
    for text in (word, ROLES.get(word, word), relation["type"]):
        try:
            role = role_named(text)
        except UnknownRole:
            continue
        return {"role": role} if role == wording else {"role": role, "display": wording}
    return {"role": OTHER, "display": wording}


def _is_source(relation: dict[str, Any]) -> bool:
    of_works = relation["target-type"] in ("work", "recording")
    return of_works and relation["type"] in MADE_FROM and relation["direction"] == "forward"


def _source(relation: dict[str, Any]) -> Line:
    target, kind = relation[relation["target-type"]], MADE_FROM[relation["type"]]
    attributes = relation.get("attributes", [])
    if PARTS.intersection(attributes):
        kind = "quotation"
    if relation["target-type"] == "recording":
        return {"work": _recording_id(target), "kind": kind}
    note = ", ".join([target["title"], *attributes])
    return {"uri": f"{SITE}/{relation['target-type']}/{target['id']}", "kind": kind, "note": note}
