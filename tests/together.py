"""Projects and challenges as lines of a bundle, and as a history: every kind, every field."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from domain.identity import part_id

if TYPE_CHECKING:
    from stories import Story

REASON = "because"
IN_TIME = (datetime.now(UTC) + timedelta(days=60)).date().isoformat()

LINES: list[dict[str, Any]] = [
    {"type": "contributor", "id": "tides", "name": "The Tides"},
    {
        **{"type": "membership", "id": "in-tides", "group": "tides", "contributor": "ben"},
        **{"roles": ["drummer"], "during": "2019/..", "by": "tides"},
    },
    {"type": "membership.accept", "id": "in-tides", "by": "ben"},
    {
        **{"type": "contributor.divide", "id": "tides", "reason": REASON},
        "among": [{"contributor": "ben", "part": "1/3"}],
    },
    {
        **{"type": "membership.date", "id": "in-tides", "during": "2019/2021"},
        **{"reason": REASON, "by": "tides"},
    },
    {
        **{"type": "membership.dispute", "id": "in-tides", "grounds": "other", "reason": REASON},
        **{"evidence": "the sleeve", "evidence_kind": "word", "evidence_sha256": "cd" * 32},
        **{"answer_by": IN_TIME, "by": "tides"},
    },
    {
        **{"type": "membership.answer", "id": "in-tides", "reason": REASON, "by": "ben"},
        **{"evidence": "a ticket", "evidence_kind": "word", "evidence_sha256": "cd" * 32},
    },
    {"type": "membership.settle", "id": "in-tides", "outcome": "dismissed", "reason": REASON},
    {
        **{"type": "membership", "id": "in-tides-too", "group": "tides", "contributor": "ben"},
        "by": "tides",
    },
    {"type": "membership.accept", "id": "in-tides-too", "by": "ben"},
    {
        **{"type": "membership.dispute", "id": "in-tides-too", "grounds": "other"},
        "reason": REASON,
    },
    {
        **{"type": "membership.settle", "id": "in-tides-too", "outcome": "corrected"},
        **{"replaced_by": "in-tides", "reason": REASON},
    },
    {"type": "membership.decline", "id": "in-tides", "reason": REASON, "by": "ben"},
    {
        "type": "project",
        "id": "tide-book",
        "title": "The Tide Book",
        "goal": "A book that comes and goes",
        "kind": "other",
        "kind_name": "a tidal book",
        "steps": [{"title": "words", "text": "few"}, {"title": "waves"}],
        "leaders": ["ben"],
        "by": "ana",
    },
    {
        **{"type": "project.describe", "id": "tide-book", "title": "A Tide Book", "kind": "book"},
        **{"goal": "A book", "kind_name": "a booklet", "reason": REASON, "by": "ben"},
    },
    {
        **{"type": "step", "id": "inks", "project": "tide-book", "title": "inks"},
        **{"text": "black", "by": "ben"},
    },
    {"type": "step.describe", "id": "inks", "title": "ink", "text": "blue", "by": "ben"},
    {
        **{"type": "project.remove-leader", "id": "tide-book", "contributor": "ana"},
        **{"reason": REASON, "by": "ben"},
    },
    {
        **{"type": "project.assign-leader", "id": "tide-book", "contributor": "ana"},
        "by": "ben",
    },
    {
        **{"type": "challenge", "id": "draw-it", "title": "Draw it", "prompt": "Draw the tide."},
        **{"media": ["image"], "roles": ["illustrator"], "answer_by": "2099-12", "by": "ana"},
        "project": "tide-book",
    },
    {
        **{"type": "challenge.describe", "id": "draw-it", "title": "Draw her", "by": "ana"},
        **{"prompt": "Draw the sea.", "media": ["image", "video"], "roles": ["animator"]},
        **{"answer_by": "2099-11", "reason": REASON},
    },
    {"type": "challenge.move", "id": "draw-it", "reason": REASON, "by": "ana"},
    {"type": "challenge.move", "id": "draw-it", "project": "tide-book", "by": "ana"},
    {"type": "challenge.close", "id": "draw-it", "reason": REASON, "by": "ben"},
    {"type": "challenge.reopen", "id": "draw-it", "reason": REASON, "by": "ben"},
    {
        **{"type": "contribution", "id": "wave", "title": "A wave", "medium": "image"},
        **{"step": "inks", "challenges": ["draw-it"], "by": "ben"},
    },
    {
        **{"type": "contribution.take-out", "id": "wave", "reason": REASON, "by": "ana"},
    },
    {
        **{"type": "contribution.place", "id": "wave", "step": "inks"},
        **{"reason": REASON, "by": "ben"},
    },
    {
        **{"type": "release", "id": "first-episode", "title": "One", "part": "episode"},
        **{"components": [{"work": "wave"}], "by": "ben"},
    },
    {"type": "challenge.answer", "id": "draw-it", "work": "song", "by": "ben"},
    {
        **{"type": "challenge.feature", "id": "draw-it", "work": "wave", "reason": REASON},
        "by": "ana",
    },
    {
        **{"type": "challenge.unfeature", "id": "draw-it", "work": "wave", "reason": REASON},
        "by": "ana",
    },
    {
        **{"type": "challenge.withdraw-answer", "id": "draw-it", "work": "song"},
        **{"reason": REASON, "by": "ben"},
    },
    {"type": "comment", "id": "on-wave", "work": "wave", "text": "Too blue.", "by": "ana"},
    {
        **{"type": "comment", "id": "why", "reply_to": "on-wave", "text": "It is the sea."},
        **{"mentions": ["ana"], "by": "ben"},
    },
    {"type": "comment", "id": "on-book", "project": "tide-book", "text": "Oh.", "by": "ana"},
    {"type": "comment", "id": "on-inks", "step": "inks", "text": "Ah.", "by": "ana"},
    {"type": "comment", "id": "on-call", "challenge": "draw-it", "text": "Eh.", "by": "ana"},
    {
        **{"type": "comment.edit", "id": "why", "text": "It is the tide.", "mentions": ["ben"]},
        "by": "ben",
    },
    {"type": "comment.remove", "id": "why", "reason": REASON, "by": "ben"},
    {
        **{"type": "contributor.follow", "id": "ben", "work": "wave", "shown": "public"},
        "by": "ben",
    },
    {"type": "contributor.follow", "id": "ben", "contributor": "ana", "by": "ben"},
    {"type": "contributor.follow", "id": "ben", "project": "tide-book", "by": "ben"},
    {"type": "contributor.follow", "id": "ben", "challenge": "draw-it", "by": "ben"},
    {"type": "contributor.unfollow", "id": "ben", "work": "wave", "by": "ben"},
    {"type": "contributor.unfollow", "id": "ben", "contributor": "ana", "by": "ben"},
    {"type": "contributor.unfollow", "id": "ben", "project": "tide-book", "by": "ben"},
    {"type": "contributor.unfollow", "id": "ben", "challenge": "draw-it", "by": "ben"},
    {"type": "project.update", "id": "tide-book", "text": "It is low.", "by": "ana"},
    {
        **{"type": "project.close", "id": "tide-book", "outcome": "finished"},
        **{"release": "album", "reason": REASON, "by": "ana"},
    },
    {"type": "project.reopen", "id": "tide-book", "reason": REASON, "by": "ana"},
]
"""Every type of line about projects and challenges, every field."""


def every_fact_together(told: Story, ana: str, release: str) -> None:
    """A project and a challenge with every kind of fact, and a text in every field."""
    tell = told.tell
    band, ben = told.person("text-name-band"), told.person("text-name-cy")
    said = {"group": band, "contributor": ben, "roles": ["drummer"], "during": "2019/.."}
    member = tell("offer_membership", **said).id
    tell("accept_membership", id=member)
    tell("date_membership", id=member, during="2019", reason="text-reason-dated")
    why = {"reason": "text-reason-in-band", "evidence": "text-evidence-in-band"}
    tell("dispute_membership", id=member, grounds="other", **why)
    tell("answer_membership", id=member, **{name: f"{text}-2" for name, text in why.items()})
    tell("settle_membership", id=member, outcome="dismissed", reason="text-reason-in-band-3")
    tell("decline_membership", id=member, reason="text-reason-not-in")
    project = tell(
        "launch_project",
        title="text-title-project",
        goal="text-goal-project",
        kind="other",
        kind_name="text-kind_name-project",
        steps=[{"title": "text-title-step", "text": "text-text-step"}],
        leaders=[ben],
        actor=ana,
    ).id
    said = {"title": "text-title-anew", "goal": "text-goal-anew", "kind_name": "text-kind_name-new"}
    tell("describe_project", id=project, reason="text-reason-anew", actor=ana, **said)
    step = part_id(project, "step", 0)
    tell("describe_step", id=step, title="text-title-inked", text="text-text-inked", actor=ana)
    tell("remove_leader", id=project, contributor=ben, reason="text-reason-leader", actor=ana)
    tell("assign_leader", id=project, contributor=ben, actor=ana)
    tell("update_project", id=project, text="text-text-update", actor=ana)
    challenge = tell(
        "issue_challenge",
        title="text-title-challenge",
        prompt="text-prompt-challenge",
        media=["image"],
        roles=["singer"],
        answer_by="2099",
        actor=ana,
    ).id
    said = {"title": "text-title-asked", "prompt": "text-prompt-asked"}
    tell("describe_challenge", id=challenge, reason="text-reason-asked", actor=ana, **said)
    moved = {"id": challenge, "project": project, "reason": "text-reason-moved"}
    tell("move_challenge", actor=ana, **moved)
    tell("close_challenge", id=challenge, reason="text-reason-over", actor=ana)
    tell("reopen_challenge", id=challenge, reason="text-reason-open", actor=ana)
    said = {"title": "text-title-wave", "medium": "image", "challenges": [challenge], "step": step}
    wave = tell("submit_contribution", actor=ana, **said).id
    tell("take_out_contribution", id=wave, reason="text-reason-out", actor=ana)
    tell("place_contribution", id=wave, step=step, reason="text-reason-in", actor=ana)
    answer = {"id": challenge, "work": wave, "actor": ana}
    tell("feature_answer", reason="text-reason-featured", **answer)
    tell("unfeature_answer", reason="text-reason-unfeatured", **answer)
    tell("withdraw_answer", reason="text-reason-back", **answer)
    said = {"text": "text-text-said", "work": wave, "mentions": [ana]}
    comment = tell("post_comment", actor=ana, **said).id
    tell("post_comment", actor=ana, text="text-text-reply", reply_to=comment)
    tell("edit_comment", id=comment, text="text-text-said-anew", mentions=[ben], actor=ana)
    tell("remove_comment", id=comment, reason="text-reason-removed", actor=ana)
    tell("follow_subject", id=ana, contributor=ben, shown="public", actor=ana)
    tell("unfollow_subject", id=ana, contributor=ben, actor=ana)
    tell(
        "close_project",
        id=project,
        outcome="finished",
        release=release,
        reason="text-reason-closed",
        actor=ana,
    )
    tell("reopen_project", id=project, reason="text-reason-reopened", actor=ana)
