"""Structured logs: every line of a server or a follower, ours or a library's, in one form.

On standard error, for people or as JSON. The message of an exception is left out, because it may
repeat what somebody wrote; its type and where it was raised stay.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from structlog.types import EventDict, Processor

DEEPEST = 16
"""How many frames of an exception are named, the innermost last."""

_TO_THE_ROOT: dict[str, Any] = {"handlers": [], "propagate": True}
THROUGH_THE_ROOT = {"loggers": {"_granian": {**_TO_THE_ROOT}, "granian.access": {**_TO_THE_ROOT}}}
"""Lets the server write its lines like everybody else."""


def configure_logs(form: str) -> None:
    """Write the lines of every logger of this process in this form."""
    root = logging.getLogger()
    root.handlers[:] = [_handler(form)]
    root.setLevel(logging.INFO)


@contextmanager
def auditing(form: str) -> Iterator[logging.Logger]:
    """Write what a command does with keys: a line on standard error, as a server writes it."""
    audit, handler = logging.getLogger("stemma.audit"), _handler(form)
    level = audit.level
    audit.addHandler(handler)
    audit.setLevel(logging.INFO)
    try:
        yield audit
    finally:
        audit.removeHandler(handler)
        audit.setLevel(level)


def _handler(form: str) -> logging.Handler:
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_what_was_said,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)
    )
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=before, processors=[remove, renderer])
    )
    return handler


def _without_what_was_said(_logger: object, _name: str, line: EventDict) -> EventDict:
    """An exception as its type and place."""
    raised = line.pop("exc_info", None)
    error = raised[1] if isinstance(raised, tuple) else raised
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)[-DEEPEST:]
        line["error"] = f"{type(error).__module__}.{type(error).__qualname__}"
        line["raised"] = [f"{one.filename}:{one.lineno} {one.name}" for one in frames]
    return line
