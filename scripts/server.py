"""Serving: the application a worker runs, and the server that runs the workers.

The one rule: everything a worker needs is opened in the worker, never before the fork.
"""

from __future__ import annotations

import atexit
import socket
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from flask import Flask
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from api.application import create_app
from scripts.logs import THROUGH_THE_ROOT, configure_logs
from scripts.service import open_service
from scripts.settings import (
    BadSetting,
    Settings,
    hand_down,
    make_log_key,
    read_log_keys,
    read_settings,
    shared_metrics_folder,
)


def application() -> Flask:
    """The application of one worker; it follows the journal itself if the settings say so."""
    settings = read_settings()
    configure_logs(settings.logs)
    service = open_service(
        settings.database,
        operator_key=settings.operator_key,
        **read_log_keys(settings)._asdict(),
        witnesses=settings.witnesses,
        create=False,
    )
    if settings.follow:
        service.store.awaited = lambda: service.journal.last_written
        service.follower.start()
    atexit.register(service.close)
    return create_app(
        service.journal,
        service.store,
        service.keys,
        service.log,
        public_pages=settings.public_pages,
        publish_entries=settings.publish_entries,
        metrics_token=settings.metrics_token,
        metrics_folder=shared_metrics_folder(),
    )


def _free_address(host: str, port: int) -> str:
    """The IP address of a host; BadSetting if it has none, or another server has the port.

    Workers share their port, so the server itself would share it with strangers as well.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
            return str(address[0])
    except OSError as error:
        raise BadSetting(f"cannot serve on {host}:{port}: {error.strerror or error}") from error


def serve(settings: Settings, announce: Callable[[], None] = lambda: None) -> None:
    """Serve until stopped; announced once nothing prevents it. The tables are created first."""
    address = _free_address(settings.host, settings.port)
    open_service(settings.database).close()
    if settings.embedded:
        make_log_key(settings)
    announce()
    with TemporaryDirectory(prefix="stemma-metrics-") as folder:
        hand_down(settings, folder)
        configure_logs(settings.logs)
        _serve(settings, address)


def _serve(settings: Settings, address: str) -> None:
    Server(
        "scripts.server:application",
        factory=True,
        address=address,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.workers,
        blocking_threads=settings.threads,
        # Enough to keep every thread busy, with as many requests again waiting.
        backpressure=max(2, settings.threads * 8),
        respawn_failed_workers=True,
        # A worker ignores a stop signal while it starts; no request takes longer than this.
        workers_kill_timeout=5,
        websockets=False,
        log_level=LogLevels.warning,
        log_dictconfig=THROUGH_THE_ROOT,
        working_dir=Path(__file__).parent.parent,
    ).serve()
