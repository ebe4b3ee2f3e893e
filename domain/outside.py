"""An outside source: a work elsewhere, named by a URI, that pieces here were made from.

The same URI is the same node; its creation date is unknown until someone states it.
"""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from ipaddress import IPv6Address
from urllib.parse import quote, unquote
from uuid import NAMESPACE_URL, uuid5

import idna

from domain.fact import Fact, FoundBy, fact
from domain.moment import UNKNOWN
from domain.permission import OPERATOR
from domain.refusal import BadUri, Refusal, TextTooLong
from domain.work import Work

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s\x00-\x1f\x7f-\x9f<>\"{}|\\^`\ud800-\udfff]+\Z")
_PARTS = re.compile(
    r"(?P<scheme>[^:/?#]+):(?://(?P<authority>[^/?#]*))?(?P<path>[^?#]*)(?P<rest>.*)\Z"
)
"""RFC 3986, appendix B."""
_HOST_AND_PORT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:@]*)(?::(?P<port>[0-9]*))?\Z")
_PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443", "ftp": "21"}
"""The default ports of schemes that need a host."""
_IN_ITS_CASE = {"ipfs", "ipns", "ar"}
"""Schemes whose authority is no host but a number in letters, such as a CID in base 58."""
_UNRESERVED = frozenset("-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_ENCODABLE = re.compile(r"%([0-9A-Fa-f]{2})|%|[^\x00-\x7f]+")
URI_LIMIT = 2000
LAST_PORT = 65_535


class Outside(Work):
    """A work that was not posted here."""

    NAME = "outside source"
    uri: str
    title: str | None = None
    made_at: str | None = None
    made: str = UNKNOWN

    @fact("outside.cited", "{actor} named an outside source: {noun}", begins=True)
    class Cited(Fact):
        """An outside source was named for the first time."""

        STATE = "cited"
        uri: str

        def found_by(self) -> tuple[FoundBy, ...]:
            """The normal URI, if it was cited when another spelling was normal."""
            try:
                normal = normal_uri(self.uri)
            except Refusal:
                return ()
            return () if normal == self.uri else (FoundBy(normal, f"{self.TOPIC}.uri"),)

    @property
    def speaker(self) -> str:
        """The operator: nobody here posted it, and who cited it first did not make it."""
        return OPERATOR


def normal_uri(uri: str) -> str:
    """The one spelling of equivalent URIs (RFC 3986, sections 6.2.2 and 6.2.3), or BadUri.

    Letters outside ASCII are encoded (RFC 3987, section 3.1), in a host as IDNA (UTS 46). An IPv6
    address is written as RFC 5952 says.
    """
    uri = uri.strip()
    if len(uri) > URI_LIMIT:
        raise TextTooLong("uri", URI_LIMIT)
    parts = _PARTS.match(uri) if _URI.match(uri) else None
    if parts is None or (parts["scheme"].lower() in _PORTS and not parts["authority"]):
        raise BadUri(uri)
    scheme, authority = parts["scheme"].lower(), parts["authority"]
    path, rest = _encoded(parts["path"]), _encoded(parts["rest"])
    if authority:
        authority, path = _authority(scheme, authority, uri), path or "/"
    if path.startswith("/"):
        path = _without_dots(path)
    if authority is None and path.startswith("//"):
        path = f"/.{path}"  # else it would be read as an authority
    if scheme == "urn":  # the namespace has no case either (RFC 8141, section 3.1)
        namespace, colon, name = path.partition(":")
        path = f"{namespace.lower()}{colon}{name}"
    normal = f"{scheme}:{'' if authority is None else f'//{authority}'}{path}{rest}"
    if len(normal) > URI_LIMIT:
        raise TextTooLong("uri", URI_LIMIT)
    return normal


def _encoded(text: str) -> str:
    """The text in which only what must be encoded is, in upper case (section 6.2.2.2)."""
    return _ENCODABLE.sub(_one_encoded, unicodedata.normalize("NFC", text))


def _one_encoded(found: re.Match[str]) -> str:
    digits, text = found[1], found[0]
    if digits and (plain := chr(int(digits, 16))) in _UNRESERVED:
        return plain
    return text.upper() if digits else quote(text, safe="")


def _authority(scheme: str, authority: str, uri: str) -> str:
    user, at, place = authority.rpartition("@")
    found = _HOST_AND_PORT.match(place)
    if found is None or (not found["host"] and scheme in _PORTS):
        raise BadUri(uri)
    port = (found["port"] or "").lstrip("0") or (found["port"] or "")[:1]
    if len(port) > 5 or int(port or 0) > LAST_PORT:
        raise BadUri(uri)
    if port == _PORTS.get(scheme):
        port = ""
    host = _encoded(found["host"]) if scheme in _IN_ITS_CASE else _host(found["host"], uri)
    return f"{_encoded(user)}{at}{host}{port and ':'}{port}"


def _in_hexadecimal(address: IPv6Address) -> str:
    """As browsers write it; from 3.13 on, Python ends one that embeds an IPv4 address in dots."""
    if address.ipv4_mapped is None:
        return address.compressed
    high, low = divmod(int(address.ipv4_mapped), 1 << 16)
    return f"::ffff:{high:x}:{low:x}"


def _host(host: str, uri: str) -> str:
    if host.startswith("["):
        try:
            return f"[{_in_hexadecimal(IPv6Address(host[1:-1]))}]"
        except ValueError:
            raise BadUri(uri) from None
    host = _encoded(host)
    with_letters = unquote(host)
    if with_letters.isascii():
        return re.sub("%..", lambda code: code[0].upper(), host.lower())
    try:
        return idna.encode(with_letters, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        raise BadUri(uri) from None


def public_host(name: str) -> str:
    """The name of a host in ASCII, as in an address; ValueError if it is none."""
    try:
        return idna.encode(name, uts46=True, std3_rules=True).decode()
    except idna.IDNAError:
        raise ValueError(name) from None


def readable(uri: str) -> str:
    """A normal URI with the letters that are encoded in it, those of its host as well."""
    parts = _PARTS.match(uri)
    place = ((parts and parts["authority"]) or "").rpartition("@")[2]
    host = place.partition(":")[0]
    if "xn--" in host:
        with suppress(idna.IDNAError, UnicodeError):
            uri = uri.replace(host, idna.decode(host), 1)
    return unquote(uri)


def _without_dots(path: str) -> str:
    """An absolute path without its dot segments (section 5.2.4)."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            kept = kept[:-1]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def outside_id(uri: str) -> str:
    """The id of the node for a normal URI (UUID version 5)."""
    return str(uuid5(NAMESPACE_URL, uri))
