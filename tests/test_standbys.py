"""Real standbys of a real primary: what is read there, what is not, and what becomes of a failover.

Rule: nothing is answered from a standby that the primary would not have answered a moment ago.
"""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest
from databases import Postgres, PostgresAlone, started_alone
from money import Bank, bank
from stories import OPERATOR
from test_crash_together import every_fact_follows_the_one_before_it
from test_server import wait_until

from domain.commands.admitting import AdmitContributor
from domain.commands.submitting import SubmitContribution
from domain.engine import DatabaseUnavailable
from domain.engine.deadline import within
from domain.engine.standbys import LOOK_SECONDS
from domain.money.dividing import RecordRevenue
from domain.refusal import Busy
from domain.request import key_digest
from projections.readiness import FAILED, OK, Check, Readiness
from projections.store import Behind
from scripts.service import Service, open_service
from scripts.settings import BadSetting, read_settings

UNITS = 100
PRIMARY = {"STEMMA_DATABASE": "postgresql://stemma@db1/stemma"}


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[PostgresAlone, PostgresAlone]]:
    """A primary, and a standby that has every commit before it is acknowledged."""
    with started_alone() as primary, primary.standby() as standby:
        yield primary, standby


@pytest.fixture
def service(pair: tuple[PostgresAlone, PostgresAlone]) -> Iterator[Service]:
    primary, standby = pair
    with open_service(primary.url, standbys=[standby.url]) as opened:
        wait_until(lambda: answers(opened))  # the tables have to arrive there first
        yield opened


def answers(service: Service) -> bool:
    """Whether a view is of the standby."""
    with service.store.view():
        return is_standby(service)


def is_read(service: Service) -> bool:
    return all(one.is_read for one in service.engine.replicas())


def is_standby(service: Service) -> bool:
    """Whether what this thread reads comes from a standby."""
    return bool(service.engine.read("SELECT pg_is_in_recovery()")[0][0])


def admit(service: Service) -> int:
    position = service.journal.record(AdmitContributor(name="Ana")).position
    service.follower.catch_up()
    return position


@contextmanager
def standing_still(standby: PostgresAlone) -> Iterator[None]:
    """It receives everything, and applies nothing."""
    with psycopg.connect(standby.url, autocommit=True) as connection:
        connection.execute("SELECT pg_wal_replay_pause()")
        try:
            yield
        finally:
            connection.execute("SELECT pg_wal_replay_resume()")


def test_a_view_is_read_from_a_standby_and_all_else_from_the_primary(service: Service) -> None:
    admit(service)
    wait_until(lambda: is_read(service))
    with service.store.view() as view:
        assert is_standby(service)
        assert view.rows("SELECT pg_is_in_recovery()") == [(True,)]
        assert service.engine.query("SELECT pg_is_in_recovery()") == [(False,)]
        with service.engine.snapshot():
            assert not is_standby(service)
        position = admit(service)
        assert is_standby(service)
    assert not is_standby(service)
    with service.store.view(min_position=position) as view:
        assert view.as_of >= position


def test_who_folds_waits_for_the_disk_only_where_a_standby_does(
    service: Service, pair: tuple[PostgresAlone, PostgresAlone]
) -> None:
    sql = "SELECT current_setting('synchronous_commit')"
    with open_service(pair[0].url) as alone:
        for writing, waits in (
            (service.store.writing, "on"),
            (alone.store.writing, "off"),
            (alone.engine.transaction, "on"),
        ):
            with writing() as writer:
                assert writer.query(sql) == [(waits,)]


def test_a_standby_that_lags_is_passed_over(
    service: Service, pair: tuple[PostgresAlone, PostgresAlone]
) -> None:
    before = admit(service)
    with standing_still(pair[1]):
        position = admit(service)
        with service.store.view(min_position=position) as view:
            assert (view.as_of, is_standby(service)) == (position, False)
        service.store.awaited = lambda: position
        with service.store.view() as view:
            assert (view.as_of, is_standby(service)) == (position, False)
        service.store.awaited = lambda: 0
        with pytest.raises(Behind), service.store.view(min_position=position + 1, wait_seconds=0.1):
            pass
        # After a moment it is not asked at all, not even for the past: a text may be erased by now.
        wait_until(lambda: not is_read(service))
        with service.store.view(as_of=before) as view:
            assert (view.as_of, is_standby(service)) == (before, False)
        told = Readiness(service.journal, service.store, service.log).find_out().checks["standbys"]
        assert told.status == OK
        assert told.detail.startswith("Warning: 0 of 1 are read: 1 is ")
    wait_until(lambda: is_read(service))
    with service.store.view(min_position=position) as view:
        assert is_standby(service)


def test_while_the_standby_that_commits_wait_for_is_away_nobody_is_told_that_writes_are_taken(
    service: Service, pair: tuple[PostgresAlone, PostgresAlone]
) -> None:
    admit(service)
    pair[1].stop()
    try:
        for _ in range(2):  # the first trial keeps its row locked
            assert storage(service).status == FAILED
    finally:
        pair[1].start()
    wait_until(lambda: storage(service).status == OK)
    wait_until(lambda: is_read(service))


def storage(service: Service) -> Check:
    return Readiness(service.journal, service.store, service.log).find_out().checks["storage"]


@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_a_standby_that_is_gone_within_a_view_is_left_for_the_primary(
    service: Service, pair: tuple[PostgresAlone, PostgresAlone], how: str
) -> None:
    position, (_, standby) = admit(service), pair
    with within(60), service.store.view(min_position=position) as view:
        before = view.rows("SELECT count(*) FROM @contributors")
        assert is_standby(service)
        standby.freeze() if how == "frozen" else standby.stop()
        try:
            assert view.rows("SELECT count(*) FROM @contributors") == before
            assert not is_standby(service)
            with service.store.view(as_of=position) as other:
                assert other.rows("SELECT count(*) FROM @contributors") == before
        finally:
            standby.thaw() if how == "frozen" else standby.start()
    wait_until(lambda: is_read(service))


def test_what_is_no_standby_of_the_primary_is_never_read(
    pair: tuple[PostgresAlone, PostgresAlone], postgres_server: Postgres
) -> None:
    with (
        postgres_server.database() as other,
        open_service(pair[0].url, standbys=[other]) as service,
        service.store.view(),
    ):
        assert not is_standby(service)
        (told,) = service.engine.replicas()
        assert (told.is_read, told.why) == (False, "is no standby of the primary")


def test_another_database_or_schema_of_the_same_server_is_never_read(
    postgres_server: Postgres,
) -> None:
    """As where the addresses of two communities were mixed up, or one lacks its schema."""
    with postgres_server.database() as own, postgres_server.database() as other:
        with open_service(other) as theirs:
            theirs.journal.record(AdmitContributor(name="Eva"))
            theirs.follower.catch_up()
        in_schema = f"{own}{'&' if '?' in own else '?'}options=-csearch_path%3Dquay"
        with open_service(own) as beside:
            beside.journal.record(AdmitContributor(name="Ana"))
            beside.follower.catch_up()
        for primary, standbys in ((own, [other]), (in_schema, [own]), (own, [in_schema])):
            with open_service(primary, standbys=standbys) as service:
                service.engine.replicas()
                time.sleep(2 * LOOK_SECONDS)
                with service.store.view():
                    assert service.engine.read("SELECT current_database(), current_schema()") == (
                        service.engine.query("SELECT current_database(), current_schema()")
                    )
                (told,) = service.engine.replicas()
                assert (told.is_read, told.why) == (
                    False,
                    "its address is of another database or schema",
                )
        with open_service(own, standbys=[own]) as service:
            wait_until(lambda: is_read(service))


@pytest.mark.parametrize(
    "settings",
    [
        {"STEMMA_READ_DATABASE": "postgresql://stemma@db2/stemma"},
        {**PRIMARY, "STEMMA_READ_DATABASE": "sqlite:///geheim.db"},
        {**PRIMARY, "STEMMA_READ_DATABASE": "postgresql://stemma@db2/stemma postgresql://a:geheim"},
    ],
)
def test_standbys_are_named_by_addresses(settings: dict[str, str]) -> None:
    with pytest.raises(BadSetting, match="STEMMA_READ_DATABASE") as told:
        read_settings(settings)
    assert "geheim" not in str(told.value)


def test_standbys_are_handed_down_to_the_workers() -> None:
    addresses = ("postgresql://stemma@db2/stemma", "postgresql://stemma@db3/stemma")
    settings = read_settings({**PRIMARY, "STEMMA_READ_DATABASE": " ".join(addresses)})
    assert settings.standbys == addresses
    assert read_settings(settings.said).standbys == addresses


# -- a failover --------------------------------------------------------------------------------


class Clients:
    """They post pieces and book revenue under keys, and repeat what they have no answer to."""

    def __init__(self, told: Bank, pool: str, many: int) -> None:
        self.journal, self.pool = told.journal, pool
        self.authors = [{"contributor": told.person("ana"), "role": "writer"}]
        self.answered = dict[str, int]()
        self._stopping = threading.Event()
        self._threads = ThreadPoolExecutor(many)
        self._asked = [self._threads.submit(self._ask, client) for client in range(many)]

    def _ask(self, client: int) -> None:
        number = 0
        while not self._stopping.is_set():
            key = f"{client}/{number}"
            try:
                self.answered[key] = self._record(key, is_money=number % 4 == 3)
                number += 1
            except (DatabaseUnavailable, Busy):
                self._stopping.wait(0.05)

    def _record(self, key: str, *, is_money: bool) -> int:
        piece = {"title": "Piece", "medium": "text", "authors": self.authors}
        revenue = {"pool": self.pool, "amount_minor": UNITS, "effective_at": "2026-05"}
        command = (
            RecordRevenue.of({**revenue, "source": "shop"})
            if is_money
            else SubmitContribution.of(piece)
        )
        return self.journal.record(command, key=key).position

    def stop(self) -> None:
        self._stopping.set()
        for one in self._asked:
            one.result()
        self._threads.shutdown()


def fail_over(clients: int, before: int, after: int) -> None:
    with started_alone() as primary, primary.standby() as standby:
        hosts = f"{primary.folder},{standby.folder}"
        database = f"postgresql://stemma@/postgres?host={hosts}&target_session_attrs=read-write"
        with bank(database, standbys=[standby.url]) as told:
            pool = told.pool()
            told.agree(pool, {"house": "2", "label": "1"})
            first = told.head()
            told.store.awaited = lambda: told.journal.last_written  # which nobody folds any more
            asking = Clients(told, pool, clients)
            try:
                wait_until(lambda: len(asking.answered) > before)
                primary.kill()
                so_far = len(asking.answered)
                with told.store.view() as view:  # questions are answered meanwhile
                    assert view.rows("SELECT count(*) FROM stored_events")[0][0] > so_far
                standby.promote()
                wait_until(lambda: len(asking.answered) > so_far + after, seconds=60)
            finally:
                asking.stop()
            nothing_was_lost(told, first, asking.answered)


def nothing_was_lost(told: Bank, first: int, answered: dict[str, int]) -> None:
    facts = told.facts()
    assert [one.position for one in facts] == list(range(1, len(facts) + 1))
    for key, position in answered.items():
        request = told.journal.facts.request_under(key_digest(OPERATOR, key))
        assert request is not None
        assert request.position == position
    asked = told.journal.facts.requests_between(first, len(facts))
    assert len(asked) == len({one.key for one in asked}) >= len(answered)
    every_fact_follows_the_one_before_it(told)
    units = UNITS * sum(one.topic == "revenue.recorded" for one in facts)
    assert sum(told.account().values()) == units > 0


def test_a_failover_loses_nothing_that_was_acknowledged() -> None:
    fail_over(clients=4, before=40, after=20)


def has_tables(standby: PostgresAlone) -> bool:
    with psycopg.connect(standby.url, autocommit=True) as connection:
        found = connection.execute("SELECT to_regclass('stored_events') IS NOT NULL").fetchone()
    return found == (True,)


def people(service: Service) -> list[str]:
    with service.store.view() as view:
        return [id for (id,) in view.rows("SELECT id FROM @contributors ORDER BY number")]


def test_after_a_failover_that_lost_facts_answers_are_of_the_facts_that_are_left() -> None:
    """Even where a process remembers the lost ones, and another standby still has them."""
    with (
        started_alone() as primary,
        primary.standby(is_awaited=False) as heir,
        primary.standby(is_awaited=False) as ahead,
    ):
        hosts = f"{primary.folder},{heir.folder}"
        database = f"postgresql://stemma@/postgres?host={hosts}&target_session_attrs=read-write"
        with open_service(database, standbys=[ahead.url]) as service:
            service.store.awaited = lambda: service.journal.last_written
            service.follower.start()
            first = service.journal.record(AdmitContributor(name="Ana"))
            wait_until(lambda: has_tables(heir))
            with open_service(heir.url, create=False) as copy:
                wait_until(lambda: people(copy) == [first.id])
            heir.stop()
            lost = [service.journal.record(AdmitContributor(name="Eva")).id for _ in range(9)]
            wait_until(lambda: answers(service) and people(service) == [first.id, *lost])
            primary.kill()
            heir.start()
            heir.promote()
            wait_until(lambda: people(service) == [first.id], seconds=60)
            assert service.journal.last_written == 1, "no view waits for what is lost"
            assert not answers(service)
            (told,) = service.engine.replicas()
            assert told.why == "has facts that the primary lacks, as after a failover"
            with open_service(heir.url) as other:
                by_others = other.journal.record(AdmitContributor(name="Ida")).id
            wait_until(lambda: people(service) == [first.id, by_others])
            by_itself = service.journal.record(AdmitContributor(name="Ute")).id
            wait_until(lambda: people(service) == [first.id, by_others, by_itself])


@pytest.mark.slow
def test_a_failover_of_many_clients_loses_nothing_that_was_acknowledged() -> None:
    fail_over(clients=16, before=1500, after=1500)
