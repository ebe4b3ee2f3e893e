"""Structured logging: every line of a server or a follower, ours or a library's, in one form.

Written to standard error, for people or as JSON. Messages of exceptions are left out: they may
quote what somebody wrote; its type and where it was raised are kept.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

from structlog.dev import ConsoleRenderer

from api.current import the_visit
from domain.moment import instant
from scripts.communities import COMMUNITY

DEEPEST = 16
"""The most frames of an exception that are named, the innermost last."""

_TO_THE_ROOT: dict[str, Any] = {"handlers": [], "propagate": True}
THROUGH_THE_ROOT = {"loggers": {"_granian": {**_TO_THE_ROOT}, "granian.access": {**_TO_THE_ROOT}}}
"""Logging configuration that sends the server's lines through the root logger."""

QUOTED = frozenset(" \t\r\n='\"")
"""A text with any of these is quoted in a line for people."""


class Record(logging.LogRecord):
    """A log record with what is in a line, and without all else, such as its thread and process."""

    def __init__(
        self,
        name: str,
        level: int,
        _path: str,
        _line: int,
        msg: object,
        args: Any,
        exc_info: Any,
        *_: object,
    ) -> None:
        self.name, self.levelno, self.levelname = name, level, logging.getLevelName(level)
        self.msg, self.exc_info, self.created = msg, exc_info, time.time()
        # A single mapping holds the values by name.
        is_mapping = args and len(args) == 1 and args[0] and isinstance(args[0], Mapping)
        self.args = args[0] if is_mapping else args
        self.exc_text = self.stack_info = None
        self.filename, self.lineno = "", 0  # which handlers other than ours may write


USUAL = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"})
"""The attributes of every log record; all others were passed as ``extra``."""


def configure_logs(form: str) -> None:
    """Write the lines of every logger of this process in this form."""
    root = logging.getLogger()
    root.handlers[:] = [_handler(form)]
    root.setLevel(logging.INFO)
    logging._srcfile = None  # the place of the call is in no line
    logging.setLogRecordFactory(Record)


@contextmanager
def auditing(form: str) -> Iterator[logging.Logger]:
    """Within this context, log what a command does with keys, as a server does."""
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
    write: Callable[[dict[str, Any]], str] = _for_people
    if form == "json":
        write = json.JSONEncoder(ensure_ascii=False, default=repr).encode
    elif sys.stderr.isatty():
        write = partial(ConsoleRenderer(colors=True, pad_event_to=0), None, "")
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    with suppress(OSError):  # what stands in for it may be no file
        handler = ToFile(sys.stderr.fileno())
    handler.setFormatter(Lines(write))
    return handler


class ToFile(logging.Handler):
    """Writes a line by one call to the system, so that threads and processes can share the file.

    No thread waits until another has written its line.
    """

    def __init__(self, file: int) -> None:
        super().__init__()
        self._file = file

    def handle(self, record: logging.LogRecord) -> bool:
        """Without the lock of a handler."""
        self.emit(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line."""
        try:
            left = f"{self.format(record)}\n".encode(errors="backslashreplace")
            while left:
                left = left[os.write(self._file, left) :]
        except Exception:
            self.handleError(record)


class Lines(logging.Formatter):
    """Formats a log record as one line: values bound to the request, the record, and its extras.

    The processors of structlog would take three times as long for every request.
    """

    def __init__(self, write: Callable[[dict[str, Any]], str]) -> None:
        super().__init__()
        self._write = write

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "event": record.getMessage(),
            **(the_visit().bound or _outside()),
            "level": record.levelname.lower(),
            "logger": record.name,
            **{name: value for name, value in vars(record).items() if name not in USUAL},
            "timestamp": instant(datetime.fromtimestamp(record.created, UTC)),
        }
        if record.exc_info and record.exc_info[1]:
            line |= _without_what_was_said(record.exc_info[1])
        return self._write(line)


def _outside() -> Mapping[str, str]:
    """What a line names that is written on behalf of no request."""
    community = COMMUNITY.get()
    return {"community": community} if community else {}


def _without_what_was_said(error: BaseException) -> dict[str, Any]:
    """An exception as its type and place."""
    frames = traceback.extract_tb(error.__traceback__)[-DEEPEST:]
    return {
        "error": f"{type(error).__module__}.{type(error).__qualname__}",
        "raised": [f"{one.filename}:{one.lineno} {one.name}" for one in frames],
    }


def _for_people(line: dict[str, Any]) -> str:
    """A line like that of structlog's console renderer, without colours."""
    moment, level, event, logger = map(line.pop, ("timestamp", "level", "event", "logger"))
    told = [
        f"{name}={value if isinstance(value, str) and QUOTED.isdisjoint(value) else repr(value)}"
        for name, value in sorted(line.items())
    ]
    return " ".join((f"{moment} [{level:<9}] {event} [{logger}]", *told))
