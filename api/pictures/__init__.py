"""Pictures of what is known: lineages, splits and ways, drawn on the server as SVG.

The one rule: a picture is made from plain data alone; it runs no script and loads nothing.
"""

from __future__ import annotations

__all__: list[str] = []
