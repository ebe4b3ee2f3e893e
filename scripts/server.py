"""Serving: the application a worker runs, and the server that runs the workers.

The one rule: everything a worker needs is opened in the worker, never before the fork.
"""

from __future__ import annotations

import atexit
import os
from pathlib import Path

from flask import Flask
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from api.application import create_app
from scripts.service import open_service
from scripts.settings import Settings, environment_of, read_settings


def application() -> Flask:
    """The application of one worker; it follows the journal itself if it was told to."""
    settings = read_settings()
    service = open_service(settings.database, operator_key=settings.operator_key, create=False)
    if settings.follow:
        service.store.awaited = lambda: service.journal.last_written
        service.follower.start()
    atexit.register(service.close)
    return create_app(service.journal, service.store, service.keys)


def serve(settings: Settings) -> None:
    """Serve until stopped; the tables are created first, once."""
    open_service(settings.database).close()
    os.environ.update(environment_of(settings))
    Server(
        "scripts.server:application",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.workers,
        blocking_threads=settings.threads,
        # Enough for every thread of every worker to be busy and as many again to wait.
        backpressure=max(2, settings.threads * 8),
        respawn_failed_workers=True,
        workers_kill_timeout=10,
        websockets=False,
        log_level=LogLevels.warning,
        working_dir=Path(__file__).parent.parent,
    ).serve()
