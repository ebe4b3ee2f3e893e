"""The written part of the documentation: Markdown files as pages of ``/docs``.

No HTML in a source reaches a page, and its links work on a forge too.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Sequence
from functools import cache, lru_cache
from itertools import islice, pairwise
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from domain.text import folded

FOLDER = Path(__file__).parent / "docs"
INDEX = "index"
"""The table of contents: its headings are the shelves, and its links the pages."""
LIVE = {"reference/problems": "problems", "reference/routes": "../docs#operations"}
"""Sources meant for a forge, with the generated pages that replace them here."""
AROUND = 70
"""How many characters are shown on either side of a match."""
MOST_SECTIONS = 3
"""How many sections of a page a search shows."""


class Section(NamedTuple):
    """The plain text under one heading."""

    anchor: str
    title: str
    text: str

    def excerpt(self, q: str) -> str:
        """The words around the first match of a search."""
        text = " ".join(self.text.split())
        told = text.casefold()
        places = [told.find(word) for word in _words(q)]
        found = min((place for place in places if place >= 0), default=0)
        start = max(found - AROUND, 0)
        before, after = text[start:found], text[found : found + AROUND]
        if start:
            before = f"… {before.partition(' ')[2]}"
        if found + AROUND < len(text):
            after = f"{after.rpartition(' ')[0]} …"
        return before + after


class Guide(NamedTuple):
    """One page."""

    path: str
    title: str
    html: Markup
    sections: list[Section]

    @property
    def headings(self) -> list[Section]:
        return self.sections[1:]

    def found(self, q: str) -> list[Section]:
        """The first sections that contain every word of a search, also in the title of the page."""
        found = (one for one in self.sections if holds(q, self.title, one.title, one.text))
        return [*islice(found, MOST_SECTIONS)]


def holds(q: str, *texts: str) -> bool:
    """Whether texts of the documentation contain every word of a search."""
    told = _searched(texts)
    return all(word in told for word in _words(q))


@cache
def _searched(texts: Sequence[str]) -> str:
    """Texts as searches compare them, computed once: the documentation does not change."""
    return folded("\n".join(texts))


@lru_cache(maxsize=16)
def _words(q: str) -> Collection[str]:
    return dict.fromkeys(folded(q).split())


class Shelf(NamedTuple):
    """Pages of one kind: tutorial, how-to guides, concepts, reference."""

    title: str
    guides: list[Guide]


@cache
def shelves() -> list[Shelf]:
    """Every page, in the order of the table of contents."""
    made: list[Shelf] = []
    for line in (FOLDER / f"{INDEX}.md").read_text("utf-8").splitlines():
        if line.startswith("## "):
            made.append(Shelf(line.removeprefix("## "), []))
        elif (link := re.match(r"- \[[^]]+\]\(([\w/-]+)\.md\)", line)) and link[1] not in LIVE:
            made[-1].guides.append(guide(link[1]))
    return made


def written() -> dict[str, Guide]:
    """Every page by its path."""
    return {one.path: one for shelf in shelves() for one in shelf.guides}


@cache
def guide(path: str) -> Guide:
    """The page made from a source."""
    tokens = _markdown().parse((FOLDER / f"{path}.md").read_text("utf-8"))
    _anchor(tokens)
    for token in tokens:
        for child in token.children or ():
            if child.type == "link_open":
                child.attrSet("href", _served(str(child.attrGet("href")), path))
    sections = list(_sections(tokens))
    html = _markdown().renderer.render(tokens, _markdown().options, {})
    return Guide(path, sections[0].title, Markup(html), sections)


@cache
def _markdown() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False}).enable("table")
    made.add_render_rule("fence", _block)
    return made


def _block(_: object, tokens: Sequence[Token], at: int, *_more: object) -> str:
    """A block of code; it can be wider than a phone, so it is focusable for scrolling."""
    return Markup('<pre tabindex="0"><code>{}</code></pre>\n').format(tokens[at].content)


def _anchor(tokens: list[Token]) -> None:
    """Give each heading except the title an id, as forges do."""
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open" and opening.tag != "h1":
            opening.attrSet("id", anchor_of(_plain(inline)))


def anchor_of(heading: str) -> str:
    """The anchor of a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def _served(href: str, page: str) -> str:
    """The address of a link in a source: without “.md”, relative to the page."""
    target, hash_, anchor = href.partition("#")
    if not target.endswith(".md") or "://" in target:
        return href
    path = posixpath.normpath(posixpath.join(posixpath.dirname(page), target.removesuffix(".md")))
    up = "docs/" if page == INDEX else "../" * page.count("/")
    return f"{up}{LIVE.get(path, path)}{hash_}{anchor}"


def _sections(tokens: list[Token]) -> Iterator[Section]:
    anchor, title, texts = "", "", list[str]()
    for before, token in zip([tokens[0], *tokens], tokens, strict=False):
        if before.type == "heading_open":
            if title:
                yield Section(anchor, title, "\n".join(texts))
            anchor, title, texts = str(before.attrGet("id") or ""), _plain(token), []
        elif token.type in {"inline", "fence"}:
            texts.append(_plain(token))
    yield Section(anchor, title, "\n".join(texts))


def _plain(token: Token) -> str:
    """The text of a token without markup."""
    if token.children is None:
        return token.content
    return "".join("\n" if one.type == "softbreak" else one.content for one in token.children)
