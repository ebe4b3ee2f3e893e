"""Every command: importing this module imports all modules that declare commands."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from domain import commands, money
from domain.command import COMMANDS, Command

__all__ = ["BY_OPERATION", "COMMANDS"]

for _package in (commands, money):
    for _module in iter_modules(_package.__path__, f"{_package.__name__}."):
        import_module(_module.name)

BY_OPERATION: dict[str, type[Command]] = {one.OPERATION: one for one in COMMANDS.values()}
"""Every command by its identifier, such as ``strike_remix``."""
