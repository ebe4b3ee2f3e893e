"""The examples of the documentation: one small story.

The one rule: every example is of this story, so that it can be followed from request to request.
"""

from __future__ import annotations

from typing import Any

from domain.identity import part_id

# Ana's poem, sung by Ben, brought out as a release.
ANA = "8f7c1f1e-5d6a-4f0e-9f43-2d0c6b1a9e01"
BEN = "8f7c1f1e-5d6a-4f0e-9f43-2d0c6b1a9e02"
POEM = "1b7d9a40-0c56-4c0e-8f0a-5b1e5d7c3a11"
SONG = "1b7d9a40-0c56-4c0e-8f0a-5b1e5d7c3a12"
ALBUM = "1b7d9a40-0c56-4c0e-8f0a-5b1e5d7c3a13"
EDGE = "5e2f8c36-7a41-4d0b-b6a5-90c4e1d2f321"
LINE = "c0a8f6d2-3b9e-4e57-8d12-6f7a8b9c0d31"
MOMENT = "2026-11-20T18:30:00.000000Z"

# What the release earns, and who shares it.
POOL = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d401"
PROPOSAL = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d402"
COMMENT = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d403"
REVENUE = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d404"
DIVISION = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d405"
BATCH = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d406"
PAYOUT = part_id(BATCH, "payout", 0)
EXPENSE = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d409"
CORRECTION = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d408"

TERMS: dict[str, Any] = {
    "type": "fixed",
    "shares": [["operator", "1/2"], ["artists", "1/2", {"type": "agreed"}]],
}
