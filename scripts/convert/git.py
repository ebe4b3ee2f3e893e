"""A git history as a bundle: commits are pieces, their parents sources, their authors credited.

Co-authors in trailers are credited as well. A person is known by the address of their e-mail, which
itself goes into no line: ids are made of its digest.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from domain.text import LIMITS
from projections.shops.line import Line, NotConvertible

FORMAT = "%x1e%H%x1f%P%x1f%aI%x1f%aN%x1f%aE%x1f%s%x1f%(trailers:key=Co-authored-by,valueonly)"
"""A commit, its parents, its author's date, name and address, its subject and its co-authors."""
ASKED = ("log", "HEAD", "--topo-order", "--reverse", "--no-show-signature", f"--format={FORMAT}")
_ADDRESSED = re.compile(r"(?P<name>[^<]*)<(?P<address>[^>]*)>")


class Person(NamedTuple):
    """Somebody in a history."""

    name: str
    address: str

    @property
    def id(self) -> str:
        """Their id in the bundle: the same address is the same person."""
        known_by = self.address.casefold() or self.name
        return f"git:person:{sha256(known_by.encode()).hexdigest()[:32]}"


def convert_git(repository: Path | str) -> Iterator[Line]:
    """The commits of the current branch, each after those it was made from.

    Raises NotConvertible if there is no history.
    """
    known = set[str]()
    for commit in _commits(Path(repository)):
        sha, parents, date, name, address, subject, trailers = commit.strip("\n").split("\x1f")
        people = [Person(name, address), *_co_authors(trailers)]
        people = list({one.id: one for one in people}.values())
        for one in people:
            if one.id not in known:
                known.add(one.id)
                name = one.name.strip()[: LIMITS["name"]] or "(no name)"
                yield {"type": "contributor", "id": one.id, "name": name}
        yield {
            "type": "contribution",
            "id": f"git:commit:{sha}",
            "title": (subject.strip() or sha)[: LIMITS["title"]],
            "medium": "code",
            "made_at": date,
            "authors": [{"contributor": one.id, "role": "programmer"} for one in people],
            "sources": [
                {"work": f"git:commit:{parent}", "kind": "adaptation"} for parent in parents.split()
            ],
        }


def _co_authors(trailers: str) -> Iterator[Person]:
    for line in trailers.splitlines():
        if found := _ADDRESSED.match(line.strip()):
            yield Person(found["name"].strip(), found["address"].strip())
        elif line.strip():
            yield Person(line.strip(), "")


def _commits(repository: Path) -> Iterator[str]:
    asked = ["git", "-C", str(repository), *ASKED]
    with subprocess.Popen(
        asked, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", errors="replace"
    ) as git:
        assert git.stdout is not None
        assert git.stderr is not None
        waiting = ""
        while text := git.stdout.read(1 << 16):
            *whole, waiting = (waiting + text).split("\x1e")
            yield from filter(None, whole)
        yield from filter(None, [waiting])
        if git.wait():
            raise NotConvertible(f"there is no git history: {git.stderr.read().strip()}")
