"""A git history becomes pieces, sources and credits, and says the same as git of its ancestry."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from domain.lines import Line
from projections import listing
from projections.shops import NotConvertible
from projections.store import View
from scripts.bundle import Ids, found_in, import_lines
from scripts.convert.git import convert_git
from scripts.service import open_service

OURS = Path(__file__).resolve().parents[1]
POSITIONS = 10


class Repository:
    """A repository of its own, whose clock is set."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *words: str, at: str = "2024-01-01T12:00:00+00:00", **who: str) -> str:
        name, address = who.get("name", "Ana"), who.get("address", "ana@example.org")
        known = {f"GIT_{one}_{part}": value for one in ("AUTHOR", "COMMITTER")
                 for part, value in (("NAME", name), ("EMAIL", address), ("DATE", at))}  # fmt: skip
        alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        ran = subprocess.run(
            ["git", "-C", str(self.folder), *words],
            env={**os.environ, **known, **alone},
            capture_output=True,
            check=True,
            text=True,
        )
        return ran.stdout.strip()

    def commit(self, message: str, **said: str) -> str:
        self.git("commit", "--quiet", "--allow-empty", "-m", message, **said)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Two branches that were merged, by two people, one of them with a clock that is behind."""
    folder = tmp_path / "repository"
    folder.mkdir()
    made = Repository(folder)
    made.commit("First")
    made.git("checkout", "--quiet", "-b", "side")
    made.commit(
        "Late clock\n\nCo-authored-by: Ana <ANA@example.org>\nCo-authored-by: Cy <cy@example.org>",
        at="2023-12-31T10:27:00-02:00",
        name="Ben",
        address="ben@example.org",
    )
    made.git("checkout", "--quiet", "main")
    made.commit("Other", at="2024-01-02T00:00:00+00:00")
    made.git("merge", "--quiet", "--no-ff", "-m", "Both", "side", at="2024-01-03T00:00:00+00:00")
    return made


def test_commits_are_pieces_with_their_parents_and_all_their_authors(
    repository: Repository,
) -> None:
    lines = list(convert_git(repository.folder))
    people = {line["id"]: line["name"] for line in lines if line["type"] == "contributor"}
    pieces = [line for line in lines if line["type"] == "contribution"]
    assert list(people.values()) == ["Ana", "Ben", "Cy"]
    told = {str(one["title"]): one for one in pieces}
    assert set(told) == {"First", "Late clock", "Other", "Both"}
    assert [people[one["contributor"]] for one in rows(told["Late clock"], "authors")] == [
        *("Ben", "Ana", "Cy")
    ]
    assert told["Late clock"]["made_at"] == "2023-12-31T10:27:00-02:00"
    assert [one["work"] for one in rows(told["Both"], "sources")] == [
        told["Other"]["id"],
        told["Late clock"]["id"],
    ]
    assert "example.org" not in str(lines)


def test_a_clock_that_is_behind_costs_no_piece(repository: Repository, database: str) -> None:
    with open_service(database) as service:
        report = import_lines(service.journal, found_in(repository.folder, "git"))
        assert report.refused == report.left_out == []
        assert report.recorded == {"contributor": 3, "contribution": 4}
        assert [one.where for one in report.warned] == ["line 6"]
        service.follower.catch_up()
        with service.store.view() as view:
            (suspect,) = listing.works(view, suspect_dates=True).items
            assert suspect["title"] == "Late clock"


def test_a_message_may_hold_anything_and_a_mailmap_is_about_co_authors_too(
    repository: Repository,
) -> None:
    (repository.folder / ".mailmap").write_text("Bea <bea@example.org> Ben <ben@example.org>\n")
    said = "an\x1fodd\x1eone\x01 é 👩‍🎤"
    trailers = (
        f"Co-authored-by: {one}" for one in ("Ben <BEN@example.org>", "Cy", "<x@y>", "D <>")
    )
    repository.commit("\n".join((said, "", *trailers)))
    lines = list(convert_git(repository.folder))
    people = {line["id"]: line["name"] for line in lines if line["type"] == "contributor"}
    piece = lines[-1]
    assert piece["title"] == said
    assert [people[one["contributor"]] for one in rows(piece, "authors")] == [
        *("Ana", "Bea", "Cy", "(no name)", "D <>")
    ]


def test_a_clock_that_is_ahead_costs_a_date(repository: Repository, database: str) -> None:
    repository.commit("Late", at="2090-01-01T12:00:00+00:00")
    with open_service(database) as service:
        report = import_lines(service.journal, found_in(repository.folder, "git"))
        assert report.recorded["contribution"] == 5
        assert [one.code for one in report.left_out] == ["made_in_future"]


@pytest.mark.parametrize(
    "author, date, name",
    [
        ("Dee <dee@example.org> 99999999999999 +0000", "Y3170843", "Dee"),
        ("Dee <dee@example.org> -86400 +0000", None, "Dee"),
        ("Dee", None, "(no name)"),
    ],
)
def test_an_author_that_git_cannot_read_costs_no_piece(
    repository: Repository, tmp_path: Path, author: str, date: str | None, name: str
) -> None:
    written = tmp_path / "commit"
    tree, parent = (repository.git("rev-parse", one) for one in ("HEAD^{tree}", "HEAD"))
    by = f"author {author}\ncommitter Dee <dee@example.org> 0 +0000"
    written.write_text(f"tree {tree}\nparent {parent}\n{by}\n\nOdd\n")
    odd = repository.git("hash-object", "-t", "commit", "-w", "--literally", str(written))
    repository.git("update-ref", "refs/heads/main", odd)
    *_, person, piece = convert_git(repository.folder)
    assert (piece.get("made_at"), person["name"]) == (date, name)
    assert piece["authors"] == [{"contributor": person["id"], "role": "programmer"}]
    assert piece["sources"] == [{"work": f"git:commit:{parent}", "kind": "adaptation"}]


def test_names_are_read_however_the_log_is_shown(repository: Repository) -> None:
    repository.git("config", "i18n.logOutputEncoding", "ISO-8859-1")
    repository.commit("Größe", name="Zoë", address="zoe@example.org")
    *_, person, piece = convert_git(repository.folder)
    assert (piece["title"], person["name"]) == ("Größe", "Zoë")


def test_a_shallow_history_is_recorded_as_far_as_it_goes(
    repository: Repository, tmp_path: Path
) -> None:
    shallow = tmp_path / "shallow"
    repository.git("clone", "--quiet", "--depth=1", f"file://{repository.folder}", str(shallow))
    (_, piece) = convert_git(shallow)
    assert (piece["title"], piece["sources"]) == ("Both", [])


def test_what_is_no_repository_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(NotConvertible, match="there is no git history: fatal"):
        list(convert_git(tmp_path))


@pytest.fixture
def history(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Our own history; of a copy without one, another with many branches."""
    # The checkout may belong to somebody else.
    trust = {"COUNT": "1", "KEY_0": "safe.directory", "VALUE_0": "*"}
    for name, value in trust.items():
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    if (OURS / ".git").exists():
        return OURS
    for number in range(20):
        repository.git("checkout", "--quiet", "-b", f"b{number}", "HEAD~1")
        repository.commit(f"on {number}")
        repository.git("checkout", "--quiet", "main")
        repository.commit(f"main {number}")
        repository.git("merge", "--quiet", "--no-ff", "-m", f"merged {number}", f"b{number}")
    return repository.folder


def test_our_own_history_has_the_ancestry_that_git_tells(history: Path, database: str) -> None:
    """At ten positions of the journal, each answer is the closure that git computes."""
    ids = Ids("bundle")
    with open_service(database) as service:
        report = import_lines(service.journal, found_in(history, "git"))
        assert report.refused == report.left_out == []
        service.follower.catch_up()
        head = service.journal.facts.head()
        for number in range(1, POSITIONS + 1):
            with service.store.view(as_of=head * number // POSITIONS) as view:
                piece = latest_but_one(view)
                sha = sha_of(history, piece, ids)
                ancestors = set(all_ancestors(view, piece))
                told = git(history, "rev-list", sha).split()
                assert ancestors == {ids.named("work", f"git:commit:{one}") for one in told[1:]}


def latest_but_one(view: View) -> str:
    """The latest piece of which all sources are known: the position may be amid its successor."""
    return listing.works(view, kind="contribution", limit=2).items[-1]["id"]


def sha_of(history: Path, id: str, ids: Ids) -> str:
    every = git(history, "rev-list", "HEAD").split()
    return {ids.named("work", f"git:commit:{sha}"): sha for sha in every}[id]


def all_ancestors(view: View, id: str) -> Iterator[str]:
    after = None
    while True:
        page = listing.ancestors(view, id, after=after, limit=200)
        yield from (one["id"] for one in page.items)
        after = page.next
        if after is None:
            return


def git(folder: Path, *words: str) -> str:
    asked = ["git", "-C", str(folder), *words]
    return subprocess.run(asked, capture_output=True, check=True, text=True).stdout


def rows(line: Line, name: str) -> list[Any]:
    found = line[name]
    assert isinstance(found, list)
    return found
