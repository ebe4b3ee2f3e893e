"""Every command: importing this file imports every room that declares some."""

from __future__ import annotations

from domain.command import COMMANDS, Command
from domain.commands import (
    admitting,
    challenging,
    commenting,
    correcting,
    crediting,
    deriving,
    disputing,
    following,
    forgetting,
    granting,
    grouping,
    identifying,
    joining,
    naming,
    projecting,
    releasing,
    submitting,
)
from domain.money import (
    adjusting,
    agreeing,
    arranging,
    dividing,
    elsewhere,
    opening,
    paying,
    proposing,
    reserving,
)

__all__ = ["BY_OPERATION", "COMMANDS"]

ROOMS = (
    *(admitting, granting, forgetting, submitting, deriving, crediting, disputing, releasing),
    *(correcting, naming, identifying, joining),
    *(projecting, challenging, grouping, commenting, following),
    *(proposing, agreeing, elsewhere, dividing, adjusting, opening, arranging, reserving, paying),
)

BY_OPERATION: dict[str, type[Command]] = {one.OPERATION: one for one in COMMANDS.values()}
"""Every command by its identifier, such as ``strike_remix``."""
