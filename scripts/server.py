"""The server that runs the workers, and the application that each worker runs.

The one rule: everything a worker needs is opened in the worker, never before the fork.
"""

from __future__ import annotations

import atexit
import errno
import logging
import multiprocessing
import os
import resource
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

from api import limits
from api.application import create_app
from api.entrance import Inside
from api.waiting import wait_for
from domain.engine import DatabaseUnavailable, TimeLimits
from projections.workshop import open_workshop
from scripts.communities import COMMUNITY, Community, read_communities
from scripts.delivering import start_delivering
from scripts.gateway import Gateway, ProcessLimits
from scripts.hosting import Hosting
from scripts.log_keys import make_log_key
from scripts.logs import THROUGH_THE_ROOT, configure_logs
from scripts.pushing import start_pushing
from scripts.safe_file import temporary_folder
from scripts.service import LASTING, open_by, patiently, prepare, settle
from scripts.settings import (
    BadSetting,
    Settings,
    hand_down,
    read_log_keys,
    read_mail_password,
    read_settings,
    shared_metrics_folder,
)
from scripts.streaming import STOPPING

log = logging.getLogger(__name__)

CONNECTIONS = 1024
"""The connections that a process keeps open; idle, sending or waiting ones hold no thread."""
HEADER_BYTES = 64 * 1024
RESPAWN_SECONDS = 1.0
LOOK_SECONDS = 0.5
"""The interval of a worker's heartbeat, and of the check that its parent is still there."""
LEAST_SILENCE_SECONDS = 5.0
"""A worker without a heartbeat for this long, and for longer than a request takes, is frozen."""
BEGIN_SECONDS = 60.0
"""How long a reload waits for a worker to serve before it stops the one that it replaces anyway."""
SERVES = threading.Event()
"""Whether this worker has opened, or has tried to open, all that it serves."""


def application() -> Gateway | Hosting:
    """The application of one worker, which also follows the journal if the settings say so."""
    for stop in STOPS:  # what the server's handlers do, which it has inherited, has no effect here
        signal.signal(stop, signal.SIG_DFL)
    signal.signal(STOPPING, signal.SIG_IGN)  # until there are streams to end
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (*STOPS, STOPPING))
    settings = read_settings()
    configure_logs(settings.logs)
    threading.Thread(target=_live_with_parent, daemon=True).start()
    served: Gateway | Hosting
    if not settings.communities:
        served = _gateway(settings, lambda: os._exit(1))
    else:
        found = read_communities(settings).values()
        served = Hosting([(one, _gateway(one.settings, lambda: None, one)) for one in found])
    SERVES.set()
    return served


def _gateway(
    settings: Settings, give_up: Callable[[], None], community: Community | None = None
) -> Gateway:
    """The gateway for one database, which opens the database in the background."""
    bounds = ProcessLimits(settings.threads, settings.request_seconds)
    root, name = ("", "") if community is None else (community.path, community.name)
    gateway = Gateway(bounds, root=root, community=name)
    has_tried = threading.Event()

    def open_app() -> Inside:
        app, gateway.head = _opened(settings, is_one_of_several=community is not None)
        gateway.count = app.count
        gateway.app = app
        settle()
        has_tried.set()
        return app

    def tell(why: str) -> None:
        log.warning("%s", why)
        has_tried.set()

    def opening() -> None:
        COMMUNITY.set(name)
        try:
            patiently(open_app, tell)
        except BaseException:
            log.exception("%s can't be served", name or "the database")
            give_up()
            has_tried.set()

    threading.Thread(target=opening, daemon=True).start()
    # Without its database the worker serves nevertheless, and answers that it is unavailable.
    has_tried.wait()
    return gateway


def _opened(settings: Settings, *, is_one_of_several: bool) -> tuple[Inside, Callable[[], int]]:
    """The application, and a function that returns the position up to which facts are folded."""
    service = open_by(
        settings,
        operator_key=settings.operator_key,
        limits=TimeLimits(settings.statement_seconds, settings.lock_seconds),
        standbys=settings.standbys,
    )
    if is_one_of_several:  # the server starts although one of them can't be served
        service.journal.must_have_credible_clock()
    atexit.register(service.close)  # after what is registered later has ended
    if settings.follow:
        service.store.awaited = lambda: service.journal.last_written
        service.follower.start()
        atexit.register(start_pushing(service.log, settings))
        atexit.register(start_delivering(service, settings))
    open_workshop(wait_for)
    app = create_app(
        service.journal,
        service.store,
        service.keys,
        service.log,
        public_pages=settings.public_pages,
        publish_entries=settings.publish_entries,
        issuer=settings.issuer,
        metrics_token=settings.metrics_token,
        metrics_folder=shared_metrics_folder(),
        limits=limits.Limits(service.engine, settings.limits, settings.trusted_proxies),
        webhook_networks=settings.webhook_networks,
        media_hosts=settings.media_hosts,
        contact=settings.contact,
        sends_mail=bool(settings.smtp),
    )
    return app, lambda: service.store.current().position


def _live_with_parent() -> None:
    """Keep this worker's heartbeat; exit once the parent is gone, to free the port.

    The heartbeat is the time of a file, for which neither a disk nor the files of a process can
    be too full; the time of its last access says whether the worker serves.
    """
    parent = multiprocessing.parent_process()
    with _sign_of_life(os.getpid()).open("w") as sign:
        while parent is None or os.getppid() == parent.pid:
            os.utime(sign.fileno(), (SERVES.is_set(), time.monotonic()))
            time.sleep(LOOK_SECONDS)
    os._exit(1)


def _sign_of_life(worker: int) -> Path:
    return Path(shared_metrics_folder() or gettempdir()) / f"alive_{worker}"


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
        said = f"cannot serve on {host}:{port}: {error.strerror or error}"
        if error.errno == errno.EADDRINUSE:
            said += "; choose another --port, or stop what listens there"
        raise BadSetting(said) from error
    except UnicodeError as error:
        raise BadSetting(f"cannot serve on {host}:{port}: it is not a host") from error


STOPS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def _heard_later() -> Iterator[None]:
    """Hold back signals to stop, in workers that begin as well, until they can end at once."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (*STOPS, STOPPING))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Supervisor(MPServer):
    """The server process, which replaces crashed and frozen workers."""

    def _spawn_workers(self, *terms: Any) -> None:
        with _heard_later():
            super()._spawn_workers(*terms)  # type: ignore[no-untyped-call]

    def _respawn_workers(self, workers: Any, target: Any, loader: Any, delay: float = 0.0) -> None:
        """Replace workers one by one: each goes on until the new one serves, or if it can't.

        Granian itself stops it after ``delay`` seconds, and ends if two crash within five seconds.
        """
        for index in workers:
            former = self.wrks[index]
            with _heard_later():
                worker = self._spawn_worker(index, target, loader)
                worker.start()  # type: ignore[no-untyped-call]
            if former.inner.is_alive() and not self._comes_to_serve(worker.inner):
                log.error("a new worker could not begin: the former one goes on")
                continue  # the new one is tried again, as one that crashed
            self.wrks[index] = worker
            former.terminate()
            former.inner.join(self.workers_kill_timeout)
            if former.inner.is_alive():
                former.inner.kill()
        time.sleep(RESPAWN_SECONDS)

    def _comes_to_serve(self, worker: BaseProcess) -> bool:
        """Wait until a worker serves; whether it is there, and may replace another."""
        assert worker.pid is not None
        sign, until = _sign_of_life(worker.pid), time.monotonic() + BEGIN_SECONDS
        while worker.is_alive() and not self.interrupt_signal and time.monotonic() < until:
            with suppress(FileNotFoundError):
                if sign.stat().st_atime:
                    break
            time.sleep(LOOK_SECONDS / 5)
        return worker.is_alive()

    def _stop_workers(self) -> None:
        """Stop the workers, which would wait for their streams as for any answer."""
        for worker in self.wrks:
            with suppress(ProcessLookupError):
                os.kill(worker.inner.pid, STOPPING)
        super()._stop_workers()  # type: ignore[no-untyped-call]

    def replace_frozen(self, seconds: float) -> None:
        """Kill workers without a heartbeat for this long, which frees every lock they hold."""
        while True:
            time.sleep(seconds / 4)
            for worker in list(self.wrks):
                pid = worker.inner.pid
                with suppress(OSError):  # not yet begun, or just ended
                    silent = time.monotonic() - _sign_of_life(pid).stat().st_mtime
                    if silent > seconds:
                        log.warning("a worker stood still for %.0f s and is replaced", silent)
                        os.kill(pid, signal.SIGKILL)


def serve(settings: Settings, announce: Callable[[], None] = lambda: None) -> None:
    """Create the tables and serve until stopped; calls ``announce`` just before serving."""
    address = _free_address(settings.host, settings.port)
    if not settings.communities:
        _prepare(settings)
    elif settings.metrics_token:
        raise BadSetting("STEMMA_METRICS_TOKEN: there are no metrics of several communities")
    else:
        for one in read_communities(settings).values():
            copy_context().run(_prepare, one.settings, one.name)
        read_communities(settings)  # now with the keys that were created
    announce()
    place = MEMORY if os.access(MEMORY, os.W_OK) else None
    with temporary_folder(METRICS, place) as folder:
        hand_down(settings, str(folder))
        configure_logs(settings.logs)
        for name, meant in settings.misspelt.items():
            log.warning("nothing reads %s: is %s meant?", name, meant)
        _serve(settings, address)


def _prepare(settings: Settings, community: str = "") -> None:
    """Make a database ready; of several communities, a failing one does not stop the others."""
    COMMUNITY.set(community)
    read_log_keys(settings)  # what a worker could not read would end it again and again
    read_mail_password(settings)
    try:
        prepare(settings)
    except LASTING as error:
        if not community:
            raise
        log.warning("%s is not served: %s", community, error)
    except DatabaseUnavailable as error:
        log.warning("%s (it is waited for)", error)
    if settings.embedded:
        make_log_key(settings)


METRICS = "stemma-metrics-"
MEMORY = Path("/dev/shm")
"""Where Linux keeps files in memory: the metrics are mapped, and a full disk would end workers."""


def _allow_connections() -> None:
    """Raise the limit of open files to the maximum allowed."""
    with suppress(OSError, ValueError):
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _serve(settings: Settings, address: str) -> None:
    _allow_connections()
    server = Supervisor(
        "scripts.server:application",
        factory=True,
        address=address,
        port=settings.port,
        interface=Interfaces.RSGI,
        # HTTP/2 is for the proxy: here its streams would not count as connections.
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            # Counts from the previous answer, so it is also how long a connection may be idle.
            header_read_timeout=settings.request_seconds * 1000,
            max_buffer_size=HEADER_BYTES,
        ),
        workers=settings.workers,
        backlog=CONNECTIONS,
        backpressure=CONNECTIONS,
        respawn_failed_workers=True,
        # What is not answered by then is cut off.
        workers_kill_timeout=5,
        websockets=False,
        log_level=LogLevels.warning,
        log_dictconfig=THROUGH_THE_ROOT,
        working_dir=Path(__file__).parent.parent,
    )
    silence = max(settings.request_seconds, LEAST_SILENCE_SECONDS)
    threading.Thread(target=server.replace_frozen, args=(silence,), daemon=True).start()
    server.serve()
