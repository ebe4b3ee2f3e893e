"""Addresses of PostgreSQL databases: whether a text is one, and what it names.

No part of a password appears in an error message.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

import psycopg
from psycopg.conninfo import conninfo_to_dict


def must_be_address(url: str) -> None:
    """Raise ValueError, with no part of a password in its text, unless this is an address."""
    try:
        read = conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        said = str(error).strip()
        if re.search(r"[@:]|pass", url.partition("://")[2], re.IGNORECASE):
            # The quoted part may be the password, and contain quotation marks itself.
            said = re.sub(r'".*"', "“…”", said, flags=re.DOTALL)
        raise ValueError(said) from None
    is_read_whole = _secret(url) == (read.get("password") or "")
    if not is_read_whole or not re.fullmatch("[0-9,]*", str(read.get("port") or "")):
        # A part of the password taken for a host or a port would appear in error messages.
        raise ValueError("in a user or a password, @ : / ? are written as %40 %3A %2F %3F")
    if any(not 0 < int(one) < 65_536 for one in str(read.get("port") or "").split(",") if one):
        raise ValueError("a port is a number from 1 to 65535")


def whereabouts_of(url: str) -> tuple[str, ...]:
    """The server, database and schema of an address, with what it leaves to the usual."""
    read = {name: str(value) for name, value in conninfo_to_dict(url).items() if value}
    server = read.get("host", ""), read.get("hostaddr", ""), read.get("port", "5432")
    return (*server, read.get("dbname", read.get("user", "")), schema_in(url) or "public")


def schema_in(url: str) -> str:
    """The schema that an address names, or nothing."""
    options = str(conninfo_to_dict(url).get("options") or "")
    found = re.search(r"search_path=([^ ,]+)", options)
    return found[1] if found else ""


def _secret(url: str) -> str:
    """The password as its author meant it: all between the first colon and the last @."""
    before, at, _ = url.partition("://")[2].rpartition("@")
    _, colon, secret = before.partition(":")
    if at and colon:
        return unquote(secret)
    named = re.search(r"[?&]password=([^&]*)", url)
    return unquote(named[1]) if named else ""
