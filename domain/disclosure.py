"""What a credit discloses: which parts AI made, and what kind of evidence there is.

The parts follow the disclosures that music and film services ask for (DDEX, 2025).
"""

from __future__ import annotations

from collections.abc import Collection

from domain.refusal import ContradictoryDisclosure

AI_PARTS = {
    "vocals": "the voices",
    "instruments": "what is played",
    "composition": "the music as written",
    "lyrics": "the sung words",
    "post-production": "mixing, mastering, restoring, grading",
    "picture": "what is seen",
    "text": "what is read",
}
"""Parts of a work that AI may have made."""
EXTENTS = {"fully": "all of it", "partly": "some of it"}
NO_AI = "none"
AI_USES = {
    NO_AI: "AI made nothing that the person is credited for",
    **{
        f"{part} {extent}": f"{meaning}, {how}"
        for part, meaning in AI_PARTS.items()
        for extent, how in EXTENTS.items()
    },
}
"""What a credit may disclose."""

EVIDENCE_KINDS = {
    "contract": "an agreement that both sides signed",
    "invoice": "an invoice or a receipt",
    "session_file": "a project or session file, a raw take, a layered picture",
    "liner_notes": "the printed or published credits",
    "correspondence": "letters or messages",
    "word": "a person's word",
}
"""What proves something."""


def must_agree(uses: Collection[str]) -> None:
    """Refuse a disclosure that says none beside a part, or of one part both all and some."""
    if not uses:
        return
    said = list(uses)
    parts = {use.rpartition(" ")[0] for use in said}
    if len(parts) < len(said) or (NO_AI in said and len(said) > 1):
        raise ContradictoryDisclosure(tuple(said))
