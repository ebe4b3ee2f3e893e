"""A request for a target, kept so that a repetition is recognised."""

from __future__ import annotations

from typing import NamedTuple


class Request(NamedTuple):
    """A command that was carried out, and what its answer names."""

    target: str
    position: int
    """The position of its last fact; before recording, the place of that fact in the append."""
    digest: str
    """Of the content of the command, without the texts of people."""
    texts: tuple[str, ...]
    """The commitments of its sealed texts, in order."""
    id: str
