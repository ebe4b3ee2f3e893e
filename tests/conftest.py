"""What tests may ask for: a database or a service of their own, and the real data beside us.

Rule: a test sees nothing of the person who runs it: neither their settings nor their data.
"""

import gc
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import hypothesis
import psutil
import psycopg
import pytest
from browsing import FONTS, only, running_browser
from clicking import Stage, empty
from databases import NoPostgres, Postgres, running_postgres
from hypothesis.internal.conjecture import providers
from playwright.sync_api import Browser, Playwright, sync_playwright
from scratch import keep_bytecode, use_scratch
from serving import Served, serving
from stories import Story, story, ticking
from warm import warm

Tell = Callable[[Story], object]
"""A history: what a story records."""

use_scratch()
keep_bytecode()

# A time limit for one example says more about the machine than about the code. A usual run tries
# the same cases every time, so that it says something about a change; a soak tries new ones.
hypothesis.settings.register_profile(
    "stemma", deadline=None, print_blob=True, max_examples=60, derandomize=True
)
hypothesis.settings.register_profile(
    "soak",
    deadline=None,
    print_blob=True,
    max_examples=4_000,
    stateful_step_count=100,
    derandomize=False,
)
hypothesis.settings.load_profile("stemma")
# Cases are drawn from the constants of all modules that are loaded, too: after any change, wherever
# it is, and for one file of tests alone, they would be other ones.
providers._get_local_constants = lambda: providers._local_constants


def pytest_xdist_auto_num_workers() -> int:
    """How many processes `-n logical` starts.

    Tests wait for servers, browsers and locks a quarter of their time: with one process more than
    cores, no core waits with them.
    """
    return (psutil.cpu_count() or 1) + 1


def pytest_collection_finish() -> None:
    """Let no garbage collection visit again what stays to the end: every module and every test.

    What tests make has no cycles to speak of: to look for them so often took a fifteenth of the
    time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture(scope="session", autouse=True)
def clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No setting of the person's reaches a test, and no test writes to the person's folder."""
    kept = {"STEMMA_TEST_POSTGRES", "STEMMA_TEST_CHROMIUM", "STEMMA_TEST_FONTS", "STEMMA_SHARED"}
    with pytest.MonkeyPatch.context() as patch:
        for name in set(os.environ) - kept:
            # PG… are the defaults of every PostgreSQL client.
            if name.startswith(("STEMMA_", "PG")):
                patch.delenv(name)
        patch.setenv("STEMMA_DATA", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(scope="session")
def postgres_server(clean_environment: None) -> Iterator[Postgres]:
    """One server for a worker's whole run; `postgres_server.database()` as often as needed."""
    try:
        with running_postgres() as server:
            yield server
    except NoPostgres as why:
        pytest.fail(str(why), pytrace=False)
    except psycopg.OperationalError as why:
        pytest.fail(f"STEMMA_TEST_POSTGRES names a server that refuses: {why}", pytrace=False)


@pytest.fixture
def postgres_dsn(postgres_server: Postgres) -> Iterator[str]:
    """A fresh, empty PostgreSQL database, as a URL."""
    with postgres_server.database() as url:
        yield url


def nothing(told: Story) -> None:
    """What has been told in a database that has only its tables."""


def told_in(url: str, tell: Tell) -> str:
    """The database, once something has been told in it."""
    with story(url) as told:
        tell(told)
    return url


@pytest.fixture(scope="session")
def postgres_originals(postgres_server: Postgres) -> Iterator[Callable[[Tell], str]]:
    """The database with a history that was recorded once, which tests begin with a copy of."""
    with ExitStack() as kept:
        yield cache(lambda tell: told_in(kept.enter_context(postgres_server.database()), tell))


@pytest.fixture(scope="session")
def sqlite_originals(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Tell], Path]:
    """The same on SQLite, by its file."""

    @cache
    def original(tell: Tell) -> Path:
        file = tmp_path_factory.mktemp("original") / "stemma.db"
        told_in(f"sqlite:///{file}", tell)
        return file

    return original


@pytest.fixture(scope="session")
def sqlite_with_tables(sqlite_originals: Callable[[Tell], Path]) -> Path:
    """A file with tables and nothing else, to be copied."""
    return sqlite_originals(nothing)


@pytest.fixture
def told_before(request: pytest.FixtureRequest) -> Tell:
    """The history in a test's database before it begins."""
    marker = request.node.get_closest_marker("after")
    return marker.kwargs["told"] if marker else nothing


@pytest.fixture
def postgres_copy(
    postgres_server: Postgres, postgres_originals: Callable[[Tell], str], told_before: Tell
) -> Iterator[str]:
    """A fresh PostgreSQL database with the tables, as a URL."""
    with postgres_server.database(postgres_originals(told_before)) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def database(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    sqlite_originals: Callable[[Tell], Path],
    told_before: Tell,
) -> str:
    """A fresh database as STEMMA_DATABASE names it: the test runs once on each engine.

    It has its tables, and the facts that ``pytest.mark.after(told=…)`` names the history of; see
    ``empty_database``.
    """
    if request.param == "sqlite":
        file = tmp_path / "stemma.db"
        shutil.copy(sqlite_originals(told_before), file)
        return f"sqlite:///{file}"
    url: str = request.getfixturevalue("postgres_copy")
    return url


@pytest.fixture(params=["sqlite", "postgres"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without any table, for claims about how they come to be: once on each engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'stemma.db'}"
    url: str = request.getfixturevalue("postgres_dsn")
    return url


@pytest.fixture
def other_database(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh, empty database on the engine that ``database`` is not on."""
    if not database.startswith("sqlite:"):
        return f"sqlite:///{tmp_path / 'other.db'}"
    url: str = request.getfixturevalue("postgres_dsn")
    return url


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Story]:
    """A story on SQLite, with a clock of its own."""
    with story(f"sqlite:///{tmp_path / 'stemma.db'}", clock=ticking()) as told:
        yield told


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service on SQLite that the tests of a file share."""
    with serving(f"sqlite:///{tmp_path_factory.mktemp('served') / 'stemma.db'}") as running:
        yield running


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The same, with pages that everyone may see."""
    database = f"sqlite:///{tmp_path_factory.mktemp('public') / 'stemma.db'}"
    with serving(database, public_pages=True) as running:
        yield running


@pytest.fixture(scope="session")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a ``stemma`` whose every run is a fork of one process."""
    with warm(tmp_path_factory.mktemp("warm") / "bin", dict(os.environ)) as folder:
        yield folder


@pytest.fixture(scope="session")
def driver() -> Iterator[Playwright]:
    """What drives every browser."""
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(driver: Playwright) -> Iterator[Browser]:
    """One browser for the whole run; contexts in it know nothing of each other."""
    with running_browser(driver) as running:
        yield running


@pytest.fixture(
    params=[pytest.param(True, marks=pytest.mark.slow), False],
    ids=["with-script", "without-script"],
)
def stage(
    request: pytest.FixtureRequest, browser: Browser, sqlite_with_tables: Path, tmp_path: Path
) -> Iterator[Stage]:
    """An empty installation on which a story is told by clicking."""
    with empty(browser, sqlite_with_tables, tmp_path, js=request.param) as opened:
        yield opened


@pytest.fixture(scope="module", params=FONTS)
def browser_of_one_font(
    driver: Playwright, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    """One browser for each family of fonts, on a machine that has no other."""
    folder = tmp_path_factory.mktemp("fonts")
    with running_browser(driver, **only(request.param, folder)) as running:
        yield running


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data that has no licence to be copied here: read where it is, or not at all."""
    beside = Path(__file__).resolve().parents[1].parent / "shared"
    folder = Path(os.environ.get("STEMMA_SHARED", beside)) / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder} (STEMMA_SHARED names the folder that holds data/)")
    return folder
