"""Deriving: what a work is made from, and the making dates that order works.

The one rule: every parent stays older than its child, and what a work owes stays within the whole,
whatever else is recorded at the same moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from domain.drafting import PENDING, Drafting
from domain.moment import instant, start_of, start_of_past
from domain.outside import Outside, normal_uri, outside_id
from domain.refusal import NoSource, UnknownRemix
from domain.remix import Remix, exact_rate, follow_edges, must_be_within_cap, remix_kind
from domain.sheet import Receipt, Sheet
from domain.work import Work, must_be_older


class Deriving(Drafting):
    """The commands about edges and dates; what brings a new work into being asks here, too."""

    def declare_remix(
        self,
        *,
        actor: str,
        child: str,
        kind: str,
        parent: str | None = None,
        uri: str | None = None,
        rate: str | None = None,
        evidence: str | None = None,
        effective_at: str | None = None,
        id: str | None = None,
    ) -> Receipt:
        """Say later that a work was made from an older one, here or outside."""
        new, made = self._new_id(id), self._work(child)
        sheet = self._sheet(actor)
        source = self._source(sheet, {"work": parent, "uri": uri})
        if source.id != made.id:
            self._permit(actor, "declare", poster=made.poster, poster_of_the_parent=source.poster)
        sheet.add(
            Remix.Declared,
            new,
            child=made.id,
            parent=source.id,
            kind=remix_kind(kind),
            rate=exact_rate(rate),
            evidence=sheet.seal(actor, "evidence", evidence),
            effective_at=None if effective_at is None else start_of(effective_at),
        )

        def check() -> None:
            self._must_be_older(source, made)
            if rate is not None:
                must_be_within_cap(made.id, [rate, *self._rates(made.id)])

        return self._born(new, sheet, given=id is not None, check=check)

    def _rates(self, child: str) -> list[str | None]:
        """The rates of the edges that count from a work to what it is made from."""
        edges = self._edges(child)
        remixes = [id for id, ends in edges.items() if ends[0] == child]
        self.prefetch(remixes)
        # Two edges that are declared at the same moment could pass the cap together.
        self._watch("remix.declared", child)
        return [self._get(Remix, id, UnknownRemix).rate for id in remixes]

    def strike_remix(self, *, actor: str, id: str, reason: str) -> Receipt:
        """Decide that an edge is false: it stays on record and stops counting."""
        remix = self._get(Remix, id, UnknownRemix)
        sheet = self._permitted(actor, "strike")
        sealed = sheet.seal_text(actor, "reason", reason)
        return self._move(remix, sheet, Remix.Struck, {**remix.line, "reason": sealed})

    def redate_work(self, *, actor: str, id: str, made_at: str, reason: str) -> Receipt:
        """Correct a making date, within what the work was made from and what was made from it."""
        work = self._work(id)
        sheet = self._permitted(actor, "redate", poster=work.poster)
        made = start_of_past(made_at, self.now)
        sealed = sheet.seal_text(actor, "reason", reason)
        return self._move(
            work,
            sheet,
            Work.Redated,
            {"made_at": made_at, "made": made, "reason": sealed},
            lambda: self._must_fit(work, made_at, made),
        )

    def _must_fit(self, work: Work, made_at: str, made: str) -> None:
        edges = self._edges(work.id)
        moved = _dated(work.id, made_at, made, work.position)
        self.prefetch({end for edge in edges.values() for end in edge})
        for child, parent in edges.values():
            if child == work.id:
                must_be_older(self._work(parent), moved)
            else:
                must_be_older(moved, self._work(child))
            self._watch("work.redated", child, parent)
        # A new edge here, or a neighbour redated at the same moment, could close a circle.
        self._watch("remix.declared", work.id)
        self._watch("work.redated", work.id)

    def _edges(self, work: str) -> dict[str, tuple[str, str]]:
        """The edges at a work that count, those of this draft as well."""
        edges = self.journal.edges_at(work, self.after)
        for pending in self.facts:
            follow_edges(edges, work, pending)
        return edges

    # -- what a new work is made from ------------------------------------------------------

    def _source(self, sheet: Sheet, source: Mapping[str, Any]) -> Work:
        """The parent a source names; an outside source is written down when it is new."""
        work, uri = source.get("work"), source.get("uri")
        if (work is None) == (uri is None):
            raise NoSource
        if work is not None:
            return self._work(work)
        normal = normal_uri(str(uri))
        id = outside_id(normal)
        if self._stream(id):
            return self._work(id)
        for known in sheet.facts:
            if known.originator_id == id:
                return Outside.told_by([(PENDING, known)])
        sheet.add(Outside.Cited, id, uri=normal)
        return Outside.told_by([(PENDING, sheet.facts[-1])])

    def _made(self, made_at: str | None, parents: Iterable[Work]) -> str:
        """When a new work was made: as stated, else now, and never before its parents.

        Two machines' clocks may disagree; what is made from a recorded piece was made after it.
        """
        if made_at is not None:
            return start_of_past(made_at, self.now)
        return max([instant(self.now), *(parent.made for parent in parents)])

    def _must_follow(
        self, id: str, made_at: str | None, made: str, parents: Iterable[Work], sheet: Sheet
    ) -> None:
        """Refuse a new work that is not younger than all it is made from, or owes too much."""
        must_be_within_cap(id, (one.rate for one in sheet.facts if isinstance(one, Remix.Declared)))
        newborn = _dated(id, made_at, made, PENDING + len(self.facts) + PENDING)
        for parent in parents:
            self._must_be_older(parent, newborn)

    def _must_be_older(self, parent: Work, child: Work) -> None:
        must_be_older(parent, child)
        # A redating at the same moment could turn the order around.
        self._watch("work.redated", parent.id, child.id)


def _dated(id: str, made_at: str | None, made: str, position: int) -> Work:
    """A work as it would stand in the order of works."""
    work = Work.__new__(Work)
    work.id, work.made_at, work.made, work.position = id, made_at, made, position
    return work
