"""The privileges that the guide grants to the role that serves are those that it needs."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from stories import Story, id_of, story

from domain.money.books import BOOKS
from scripts.service import open_service

GUIDE = Path(__file__).parents[1] / "api/web/docs/how-to/run-it-on-postgresql.md"


def granted() -> list[str]:
    """The statements of the guide that grant something to the role that serves."""
    return [
        line.partition(";")[0]
        for line in GUIDE.read_text("utf-8").splitlines()
        if re.match("GRANT|ALTER DEFAULT PRIVILEGES", line)
    ]


def test_a_role_with_what_the_guide_grants_records_erases_and_repeats(postgres_dsn: str) -> None:
    role = f"serves{urlsplit(postgres_dsn).path.removeprefix('/')}"
    with story(postgres_dsn) as told:
        told.person("ana")
    with psycopg.connect(postgres_dsn, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {role} LOGIN".encode())
        try:
            for statement in granted():
                owner.execute(statement.replace("stemma_api", role).encode())
            url = urlsplit(postgres_dsn)
            with open_service(url._replace(netloc=f"{role}@").geturl(), create=False) as service:
                records_erases_and_repeats(Story(service))
        finally:
            owner.execute(f"DROP OWNED BY {role}".encode())
            owner.execute(f"DROP ROLE {role}".encode())


def records_erases_and_repeats(told: Story) -> None:
    ana = id_of("ana")
    piece = told.piece("piece", by=[ana], actor=ana)
    made = told.piece("made of it", piece, actor=ana)
    release = told.release("release", made)
    told.tell(
        "open_pool",
        release=release,
        name="p",
        kind="other",
        currency="USD",
        terms={"type": "agreed"},
    )
    assert told.service.engine.query(f"SELECT count(*) FROM {BOOKS.name}") != [(0,)]
    withdrawn = told.tell("withdraw_contribution", id=made, reason="r", actor=ana)
    again = told.tell("withdraw_contribution", id=made, reason="r", actor=ana)
    assert again.position == withdrawn.position
    told.tell("forget_contributor", id=ana, ground="request")
