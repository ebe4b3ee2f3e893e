"""Every command: importing this file imports every room that may declare some."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from domain import commands, money
from domain.command import COMMANDS, Command

__all__ = ["BY_OPERATION", "COMMANDS"]

for _folder in (commands, money):
    for _room in iter_modules(_folder.__path__, f"{_folder.__name__}."):
        import_module(_room.name)

BY_OPERATION: dict[str, type[Command]] = {one.OPERATION: one for one in COMMANDS.values()}
"""Every command by its identifier, such as ``strike_remix``."""
