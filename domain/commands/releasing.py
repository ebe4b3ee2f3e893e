"""Releasing: a finished work is put together from its components, and brought out.

The one rule: what a finished work is made of is said when it is put together, all of it at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from domain.commands.deriving import Deriving
from domain.identity import part_id
from domain.refusal import NoComponents, UnknownRelease
from domain.release import Release
from domain.remix import Remix, exact_rate
from domain.sheet import Receipt


class Releasing(Deriving):
    """The commands about releases."""

    def assemble_release(
        self,
        *,
        actor: str,
        title: str,
        components: Sequence[Mapping[str, Any]],
        made_at: str | None = None,
        id: str | None = None,
    ) -> Receipt:
        """Put a finished work together from its components, in one append."""
        sheet, new = self._sheet(actor), self._new_id(id)
        self._permit(actor, "assemble")
        parents = [self._work(component["work"]) for component in components]
        if not parents or len({parent.id for parent in parents}) < len(parents):
            raise NoComponents
        made = self._made(made_at, parents)
        sheet.add(
            Release.Assembled,
            new,
            title=sheet.seal_text(actor, "title", title),
            made_at=made_at,
            made=made,
        )
        for number, (component, parent) in enumerate(zip(components, parents, strict=True)):
            sheet.add(
                Remix.Declared,
                part_id(new, "component", number),
                child=new,
                parent=parent.id,
                kind="component",
                rate=exact_rate(component.get("rate")),
            )
        return self._born(
            new,
            sheet,
            given=id is not None,
            absent=lambda: [part_id(new, "component", len(components))],
            check=lambda: self._must_follow(new, made_at, made, parents, sheet),
        )

    def publish_release(self, *, actor: str, id: str) -> Receipt:
        """Bring a finished work out: its lineage is frozen at this position."""
        release = self._get(Release, id, UnknownRelease)
        sheet = self._permitted(actor, "publish", poster=release.poster)
        return self._move(release, sheet, Release.Published, {})

    def withdraw_release(self, *, actor: str, id: str, reason: str) -> Receipt:
        """Offer a finished work no longer."""
        release = self._get(Release, id, UnknownRelease)
        sheet = self._permitted(actor, "withdraw", poster=release.poster)
        sealed = sheet.seal_text(actor, "reason", reason)
        return self._move(release, sheet, Release.Withdrawn, {"reason": sealed})
