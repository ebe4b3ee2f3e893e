"""Answers of the MusicBrainz API as a bundle: recordings, releases, artist credits, relationships.

Names on a credit, join phrases and the attributes of a relationship (which instrument, which voice)
are kept. The sources of a recording are what it performs or samples. Works of MusicBrainz are
cited, with the works they were made from. Registry numbers are lines of their own, as some are
wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from domain.outside import outside_id
from domain.refusal import UnknownRole
from domain.role import role_named
from domain.text import LIMITS
from projections.shops.line import Line, NotConvertible
from scripts.convert.reading import loaded, reading

Answer = dict[str, Any]
SITE = "https://musicbrainz.org"
EXPECTED = "an answer of MusicBrainz about recordings, releases or works, in JSON"
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
"""The kind of remix by relationship between two recordings, or a recording and a work."""
OF_WORKS = {
    "arrangement": "arrangement",
    "orchestration": "arrangement",
    "other version": "adaptation",
    "revision of": "adaptation",
    "based on": "adaptation",
    "medley": "quotation",
    "parts": "component",
}
"""The kind of remix by relationship between two works."""
WHOLES = ("medley", "parts")
"""Relationships between works whose forward direction is from child to parent."""
NUMBERS = {"isrcs": "isrc", "iswcs": "iswc", "ipis": "ipi", "isnis": "isni"}
"""Fields with registry numbers, and the scheme of each."""
PARTS = {"partial", "medley"}
"""Attributes which say that only a part is performed."""
GENERAL = ("performer", "vocal", "instrument")
"""Relationships with an artist whose attributes name the role more precisely."""
MAKERS = {"composer", "lyricist", "writer", "librettist", "translator", "arranger"}
"""Relationships between a work and its makers."""
LISTS = ("recordings", "releases", "works")
"""The fields in which an answer lists several things."""
OF_RELEASES = {"media", "release-group", "packaging", "barcode"}
"""Fields that only releases have."""
OTHER = "performer"
"""The role if the vocabulary has no word for it; the wording is kept."""


def convert_musicbrainz(path: Path | str) -> Iterator[Line]:
    """The lines of one answer about recordings, releases or works, or of a folder of answers.

    Raises NotConvertible for anything else.
    """
    files = sorted(Path(path).glob("*.json")) if Path(path).is_dir() else [Path(path)]
    if not files:
        raise NotConvertible(f"{path} has no file whose name ends in .json")
    answers, seen = list[tuple[Path, Answer]](), set[str]()
    for file in files:
        with reading(file, EXPECTED):
            answers += [(file, one) for one in _answers(loaded(file))]
    recordings = _Recordings(one for _, one in answers)

    def lines() -> Iterator[Line]:
        for file, told in answers:
            with reading(file, EXPECTED):
                is_release = told.keys() & OF_RELEASES
                yield from _release(told, recordings) if is_release else recordings.lines(told)
        with reading(Path(path), EXPECTED):
            yield from recordings.edges
            yield from _works(recordings.cited)

    for line in lines():
        id = str(line.get("id", line))
        if id not in seen:
            seen.add(id)
            yield line


def _answers(told: Answer) -> Iterator[Answer]:
    """The recordings and releases in an answer; for a work, the recordings that perform it."""
    listed = [name for name in LISTS if isinstance(told.get(name), list) and "id" not in told]
    if listed:
        for one in told[listed[0]]:
            yield from _answers(one)
    elif "iswcs" in told:
        for one in told.get("relations", []):
            if one["target-type"] == "recording" and one["type"] in MADE_FROM:
                work = {**one, "target-type": "work", "direction": "forward", "work": told}
                yield {**one["recording"], "relations": [work]}
    elif "primary-type" in told:
        raise NotConvertible("it is about a release group: ask for the releases in it")
    else:
        told["id"].encode()
        yield told


class _Recordings:
    """The recordings of all answers together, each of which becomes lines once."""

    def __init__(self, answers: Iterable[Answer]) -> None:
        self._whole, self._begun = {one["id"]: one for one in answers}, set[str]()
        self.edges = list[Line]()
        """Remixes between recordings, which come after all recordings."""
        self.cited = dict[str, Answer]()
        """Performed works of MusicBrainz, by id."""

    def lines(self, told: Answer) -> Iterator[Line]:
        """A recording and all related ones, each from its own answer if there is one."""
        waiting = [told]
        while waiting:
            told = waiting.pop()
            told = self._whole.get(told["id"], told)
            if told["id"] not in self._begun:
                self._begun.add(told["id"])
                yield from _piece(told)
                works = (one["work"] for one in told.get("relations", []) if _is_performed(one))
                self.cited |= {one["id"]: self.cited.get(one["id"], {}) | one for one in works}
                for one in told.get("relations", []):
                    if one["target-type"] == "recording" and one["type"] in MADE_FROM:
                        waiting.append(one["recording"])
                        ends = _recording_id(told), _recording_id(one["recording"])
                        made, source = ends if one["direction"] == "forward" else ends[::-1]
                        self.edges.append(_edge(one, made, source, MADE_FROM) | {"parent": source})


def _piece(told: Answer) -> Iterator[Line]:
    relations = told.get("relations", [])
    yield from _artists(told)
    yield {
        "type": "contribution",
        "id": _recording_id(told),
        "title": told["title"],
        "medium": "video" if told.get("video") else "audio",
        **_made(told.get("first-release-date")),
        "authors": [*_artist_credit(told), *_credits(relations)],
        "sources": [_source(one) for one in relations if _is_performed(one)],
    }
    yield from _numbers(told, work=_recording_id(told))


def _release(told: Answer, recordings: _Recordings) -> Iterator[Line]:
    id, components = f"musicbrainz:release:{told['id']}", list[Line]()
    yield from _artists(told)
    for medium in told.get("media", []):
        for track in _tracks(medium):
            yield from recordings.lines(track["recording"])
            recording = _recording_id(track["recording"])
            components.append({"work": recording})
    said: Line = {"id": id, "title": told["title"], **_made(told.get("date"))}
    if components:
        yield {"type": "release", **said, "components": components}
    else:  # the answer leaves the recordings out
        yield {"type": "contribution", "medium": "audio", **said}
    credited = [*_artist_credit(told), *_credits(told.get("relations", []))]
    for number, credit in enumerate(credited):
        yield {"type": "credit", "id": f"{id}:{number}", "work": id, **credit}
    yield from _numbers(told, work=id)


def _tracks(medium: Answer) -> Iterator[Answer]:
    """The tracks of a medium in order: the one hidden before the first, all listed, then data."""
    if hidden := medium.get("pregap"):
        yield hidden
    yield from medium.get("tracks", [])
    yield from medium.get("data-tracks", [])


def _made(date: str | None) -> Line:
    """A date, if there is one; digits that are not known (1999-??-12) as EDTF writes them."""
    return {"made_at": date.replace("?", "X")} if date else {}


def _works(cited: Mapping[str, Answer]) -> Iterator[Line]:
    """The registry numbers of performed works, and the works they were made from."""
    for told in cited.values():
        yield from _numbers(told, work=outside_id(_address(told)))
        for one in told.get("relations", []):
            if one["target-type"] != "work" or one["type"] not in OF_WORKS:
                continue
            is_made = (one["direction"] == "forward") == (one["type"] in WHOLES)
            child, parent = (told, one["work"]) if is_made else (one["work"], told)
            if child["id"] in cited:  # otherwise nothing here performs it
                made, uri = outside_id(_address(child)), _address(parent)
                yield _edge(one, made, parent["id"], OF_WORKS) | {"uri": uri}
                if parent["id"] not in cited:
                    yield {"type": "work.describe", "id": outside_id(uri), **_named(parent)}


def _edge(relation: Answer, made: str, source: str, kinds: Mapping[str, str]) -> Line:
    id = f"musicbrainz:{relation['type'].replace(' ', '-')}:{made}:{source}"
    return {"type": "remix", "id": id, "child": made, "kind": _kind(relation, kinds)}


def _kind(relation: Answer, kinds: Mapping[str, str]) -> str:
    is_part = PARTS.intersection(relation.get("attributes", []))
    return "quotation" if is_part else kinds[relation["type"]]


def _numbers(told: Answer, **about: str) -> Iterator[Line]:
    """The registry numbers of a work or a person."""
    listed = [(name, each) for of, name in NUMBERS.items() for each in told.get(of) or ()]
    barcode = [("upc", told["barcode"])] if told.get("barcode") else []
    for scheme, number in (("mbid", told["id"]), *listed, *barcode):
        id = f"musicbrainz:{scheme}:{number}:{told['id']}"
        yield {"type": "identifier", "id": id, **about, "scheme": scheme, "identifier": number}


def _recording_id(told: Answer) -> str:
    return f"musicbrainz:recording:{told['id']}"


def _artist_id(artist: Answer) -> str:
    return f"musicbrainz:artist:{artist['id']}"


def _artists(told: Answer) -> Iterator[Line]:
    related = (one.get("artist") for one in told.get("relations", []))
    for artist in (*(one["artist"] for one in told.get("artist-credit", [])), *related):
        if artist is not None:
            yield {"type": "contributor", "id": _artist_id(artist), "name": artist["name"]}
            yield from _numbers(artist, contributor=_artist_id(artist))


def _artist_credit(told: Answer) -> Iterator[Line]:
    """The performers in order, each with the credited name and the join phrase."""
    for place, one in enumerate(told.get("artist-credit", []), start=1):
        line: Line = {"contributor": _artist_id(one["artist"]), "role": "performer"}
        if one.get("name") and one["name"] != one["artist"]["name"]:
            line["credited_as"] = one["name"]
        if one.get("joinphrase"):
            line["join_phrase"] = one["joinphrase"]
        yield {**line, "billing": place}


def _credits(relations: Iterable[Answer]) -> Iterator[Line]:
    """Credits for relationships with artists: one per attribute if GENERAL, else one."""
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


def _role(word: str, relation: Answer, wording: str) -> Line:
    """The role named by a word, else by the relationship, with the wording if that differs."""
    for text in (word, relation["type"]):
        try:
            role = role_named(text)
        except UnknownRole:
            continue
        return {"role": role} if role == wording else {"role": role, "display": wording}
    return {"role": OTHER, "display": wording}


def _is_performed(relation: Answer) -> bool:
    """Whether a relationship leads from a recording to a work it performs."""
    is_work = relation["target-type"] == "work" and relation["direction"] == "forward"
    return is_work and relation["type"] in MADE_FROM


def _source(relation: Answer) -> Line:
    work, attributes = relation["work"], relation.get("attributes", [])
    note: Line = {"note": ", ".join(attributes)} if attributes else {}
    return {"uri": _address(work), "kind": _kind(relation, MADE_FROM), **_named(work), **note}


def _address(work: Answer) -> str:
    return "/".join((SITE, "work", work["id"]))


def _named(work: Answer) -> Line:
    """The title of a work, and its makers, cut to the allowed length."""
    made = [one for one in work.get("relations", []) if one["type"] in MAKERS]
    names = dict.fromkeys(one.get("target-credit") or one["artist"]["name"] for one in made)
    creators = ", ".join(names)[: LIMITS["creators"]]
    return {"title": work["title"], **({"creators": creators} if creators else {})}
