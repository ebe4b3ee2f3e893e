"""Percentages as the pages read them; ``api.percentages`` has them for the whole API."""

from __future__ import annotations

from api.percentages import exact, joined, part

__all__ = ["exact", "joined", "part"]
