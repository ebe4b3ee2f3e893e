"""What tells whether a preview, or a line of it, still is as it was shown."""

from __future__ import annotations

from hashlib import sha256

from flask import request
from markupsafe import Markup


def seal(*told: object) -> str:
    """A digest of a command or a preview, which shows whether it has changed."""
    return sha256(repr(told).encode()).hexdigest()[:16]


def compared(*told: object, form: str = "") -> Markup:
    """What a line of a preview keeps for the next one, and a mark if it is new or changed there.

    It is marked only if the preview is shown again because another one was to be recorded.
    ``form`` is the id of the form that records it, if the line stands outside.
    """
    before, now = request.form.getlist("line"), seal(*told)[:8]
    kept = Markup('<input type="hidden" name="line" value="{}"{}>').format(
        now, Markup(' form="{}"').format(form) if form else ""
    )
    is_shown_again = bool(before) and request.form.get("do", "record") == "record"
    mark = Markup(' <span class="state changed">changed</span>')
    return kept + (mark if is_shown_again and now not in before else Markup())
