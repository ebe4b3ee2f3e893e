"""Atom feeds (RFC 4287) of what happened to a work or a person.

An entry is a public fact as a sentence, without erased texts. Its id follows from the noun and the
position of the fact, so it is the same in every feed and under every host name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid5
from xml.etree.ElementTree import Element, SubElement, tostring

from flask import Response, request
from markupsafe import Markup

from domain.printable import one_line, printable
from projections import sentences

NAMESPACE = "http://www.w3.org/2005/Atom"
MEDIA_TYPE = "application/atom+xml"
MOST = 50
"""How many entries a feed has at most."""
BEFORE = "1970-01-01T00:00:00Z"
"""The time of the update of a feed without entries."""
_NOT_IN_XML = re.compile("[\ufffe\uffff]")
"""Characters, besides control characters, that XML 1.0 cannot hold even escaped."""


def feed_of(subject: Mapping[str, Any], facts: Sequence[Mapping[str, Any]]) -> Response:
    """The feed of a work or a person, the latest fact first."""
    here = request.root_url.rstrip("/")
    feed = Element("feed", xmlns=NAMESPACE)
    _text(feed, "title", one_line(f"{sentences.called(subject)} – Stemma"))
    _text(feed, "id", f"urn:uuid:{subject['id']}")
    _text(feed, "updated", facts[0]["recorded_at"] if facts else BEFORE)
    SubElement(feed, "link", rel="self", type=MEDIA_TYPE, href=request.base_url)
    SubElement(feed, "link", rel="alternate", type="text/html", href=_page(here, subject["id"]))
    _text(SubElement(feed, "author"), "name", "Stemma")
    for fact in facts:
        entry = SubElement(feed, "entry")
        _text(entry, "title", one_line(Markup(fact["sentence"]).striptags()))
        _text(entry, "id", uuid5(UUID(fact["noun"]), str(fact["position"])).urn)
        _text(entry, "updated", fact["recorded_at"])
        about = _page(here, fact["about"][0] if fact["about"] else subject["id"])
        SubElement(entry, "link", rel="alternate", type="text/html", href=about)
        SubElement(entry, "category", term=fact["topic"])
        if fact["reason"]:
            _text(entry, "summary", fact["reason"])
    written = tostring(feed, encoding="utf-8", xml_declaration=True)
    return Response(written, content_type=f"{MEDIA_TYPE}; charset=utf-8")


def _page(here: str, id: str) -> str:
    return f"{here}/history/{id}"


def _text(parent: Element, name: str, text: str) -> None:
    SubElement(parent, name).text = _NOT_IN_XML.sub("", printable(text))
