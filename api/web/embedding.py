"""Media of works: embedded in a page if their host is allowed, else shown as a link.

The Content-Security-Policy of a page admits only the hosts that it embeds from, each only for the
kinds of media that it embeds.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from flask import g

KINDS = {
    **dict.fromkeys(("avif", "gif", "jpeg", "jpg", "png", "webp"), "picture"),
    **dict.fromkeys(("aac", "flac", "m4a", "mp3", "oga", "ogg", "opus", "wav"), "sound"),
    **dict.fromkeys(("m4v", "mov", "mp4", "ogv", "webm"), "film"),
}
"""The kind of media by the extension in its address."""
DIRECTIVES = {
    "picture": "img-src",
    "sound": "media-src",
    "film": "media-src",
    "player": "frame-src",
}
"""The directive of the policy that admits each kind."""
_PLAYERS = (
    (
        re.compile(r"(?:www\.|m\.)?youtube\.com/watch\?(?:.*&)?v=([\w-]{6,20})"),
        "https://www.youtube-nocookie.com/embed/{}",
    ),
    (re.compile(r"youtu\.be/([\w-]{6,20})"), "https://www.youtube-nocookie.com/embed/{}"),
    (re.compile(r"(?:www\.)?vimeo\.com/(\d{4,12})"), "https://player.vimeo.com/video/{}"),
    (
        re.compile(r"((?:www\.|on\.)?soundcloud\.com/[\w-]+/[\w/-]+)"),
        "https://w.soundcloud.com/player/?url=https%3A//{}",
    ),
    (re.compile(r"([\w.-]+)/(?:w|videos/watch)/([\w-]{8,40})"), "https://{}/videos/embed/{}"),
)
"""The pages of YouTube, Vimeo, SoundCloud and PeerTube, each with the address of its player."""


class Embedding(NamedTuple):
    """Where a work can be seen or heard, and how a page shows that."""

    link: str
    """The address as it was stated."""
    host: str
    """The host of the address."""
    kind: str
    """A picture, a sound, a film, a player, or a link."""
    address: str
    """The address of what the page embeds; that of the link if nothing."""


def seen(link: str | None, hosts: Collection[str]) -> Embedding | None:
    """How a page shows media at an address, if there is one; the host of an embed is admitted."""
    if not link:
        return None
    kind, address = next(iter(_embeds(link, hosts)), ("link", link))
    if kind != "link":
        _let_in(DIRECTIVES[kind], address)
    return Embedding(link, urlsplit(link).netloc, kind, address)


def picture(link: str | None, hosts: Collection[str]) -> str | None:
    """The address of a picture whose host is allowed and then admitted; None for any other."""
    found = dict(_embeds(link or "", hosts)).get("picture")
    if found:
        _let_in(DIRECTIVES["picture"], found)
    return found


def _let_in(directive: str, address: str) -> None:
    embeds = g.setdefault("embeds", {})
    embeds.setdefault(directive, set()).add(f"https://{urlsplit(address).netloc}")


def _embeds(link: str, hosts: Collection[str]) -> list[tuple[str, str]]:
    """The kinds and addresses as which a link can be embedded, only from these hosts with TLS."""
    parts = urlsplit(link)
    if parts.scheme != "https":
        return []
    kind = KINDS.get(parts.path.rpartition(".")[2].lower())
    found = [(kind, link)] if kind else []
    for page, player in _PLAYERS:
        if match := page.match(link.removeprefix("https://")):
            found.append(("player", player.format(*(quote(one) for one in match.groups()))))
    return [(kind, address) for kind, address in found if urlsplit(address).netloc.lower() in hosts]


POLICY = {
    "default-src": "'none'",
    "style-src": "'self'",
    "font-src": "'self'",
    "img-src": "'self' data:",
    # A large picture is embedded as a document; browsers treat it as an object and a frame.
    "object-src": "'self'",
    "frame-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}


def policy() -> str:
    """The Content-Security-Policy of this page: this site, and the hosts from which it embeds."""
    allowed = dict(POLICY)
    if g.get("may_run"):
        allowed |= {"script-src": "'self'", "connect-src": "'self'"}
    for directive, origins in g.get("embeds", {}).items():
        allowed[directive] = " ".join([allowed.get(directive, ""), *sorted(origins)]).strip()
    return "; ".join(f"{directive} {sources}" for directive, sources in allowed.items())
