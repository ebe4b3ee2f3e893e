"""A git history as a bundle: commits are pieces, their parents sources, their authors credited.

Co-authors named in trailers are credited as well. A person is identified by e-mail address; the
address itself appears in no line, since ids contain only its digest.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from domain.text import LIMITS
from projections.shops.line import Line, NotConvertible

CO_AUTHORS = "%(trailers:key=Co-authored-by,valueonly)"
FORMAT = f"%H%x00%P%x00%aI%x00%aN%x00%aE%x00%s%x00{CO_AUTHORS}%x00"
"""For each commit: its hash, parents, author's date, name and address, subject and co-authors.

Each field ends with a NUL, which nothing in a commit can contain.
"""
TEXT: Any = {"encoding": "utf-8", "errors": "replace"}
FIELDS = FORMAT.count("%x00")
ASKED = ("log", "HEAD", "--topo-order", "--reverse", "--no-show-signature", "--encoding=UTF-8")
_UNREAD = ("%aI", "%aN", "%aE")
"""What git answers for an author's date, name and address if it can't read their line."""
_ADDRESSED = re.compile(r"(?P<name>[^<]*)<(?P<address>[^<>]+)>")


class Person(NamedTuple):
    """An author or co-author."""

    name: str
    address: str

    @property
    def id(self) -> str:
        """Their id in the bundle, derived from the address, or from the name if there is none."""
        known_by = self.address.casefold() or self.name
        return f"git:person:{sha256(known_by.encode()).hexdigest()[:32]}"


def convert_git(repository: Path | str) -> Iterator[Line]:
    """The commits of the current branch, each after its parents.

    Raises NotConvertible if there is no git history.
    """
    known, mapped = set[str](), _mapped(Path(repository))
    for sha, parents, *author, subject, trailers in _commits(Path(repository)):
        date, name, address = ("" if one in _UNREAD else one for one in author)
        people = [Person(name, address), *(mapped[one] for one in _lines(trailers))]
        people = list({one.id: one for one in people}.values())
        for one in people:
            if one.id not in known:
                known.add(one.id)
                known_as = one.name.strip()[: LIMITS["name"]] or "(no name)"
                yield {"type": "contributor", "id": one.id, "name": known_as}
        yield {
            "type": "contribution",
            "id": f"git:commit:{sha}",
            "title": (subject.strip() or sha)[: LIMITS["title"]],
            "medium": "code",
            **({"made_at": _stated(date)} if date else {}),
            "authors": [{"contributor": one.id, "role": "programmer"} for one in people],
            "sources": [
                {"work": f"git:commit:{parent}", "kind": "adaptation"} for parent in parents.split()
            ],
        }


def _stated(date: str) -> str:
    """The date of a commit; of a year with more than four digits, only that year (EDTF)."""
    return date if date[4] == "-" else f"Y{date.partition('-')[0]}"


def _mapped(repository: Path) -> dict[str, Person]:
    """Every co-author by the text of their trailer; .mailmap applies to them as well."""
    stated = dict.fromkeys(_lines("".join(_told(repository, f"--format={CO_AUTHORS}"))))
    addressed = [one for one in stated if _ADDRESSED.fullmatch(one)]
    asked = ["git", "-C", str(repository), "check-mailmap", "--stdin"]
    text = "".join(f"{one}\n" for one in addressed)
    told = subprocess.run(asked, input=text, stdout=subprocess.PIPE, check=True, **TEXT)
    meant = dict(zip(addressed, _lines(told.stdout), strict=True))
    return {one: _person(meant.get(one, one)) for one in stated}


def _lines(text: str) -> list[str]:
    return list(filter(None, map(str.strip, text.split("\n"))))


def _person(stated: str) -> Person:
    found = _ADDRESSED.fullmatch(stated)
    return Person(found["name"].strip(), found["address"].strip()) if found else Person(stated, "")


def _commits(repository: Path) -> Iterator[Sequence[str]]:
    fields = [""]
    for text in _told(repository, f"--format={FORMAT}"):
        first, *others = text.split("\0")
        fields = [*fields[:-1], fields[-1] + first, *others]
        while len(fields) > FIELDS:
            yield [one.strip("\n") for one in fields[:FIELDS]]
            fields = fields[FIELDS:]


def _told(repository: Path, form: str) -> Iterator[str]:
    asked = ["git", "-C", str(repository), *ASKED, form]
    with subprocess.Popen(asked, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **TEXT) as git:
        assert git.stdout is not None
        assert git.stderr is not None
        while text := git.stdout.read(1 << 16):
            yield text
        if git.wait():
            raise NotConvertible(f"there is no git history: {git.stderr.read().strip()}")
