"""Checks that facts agree with the command that was signed: its target, their kinds, every field.

The rule: a field that was signed is recorded as it was signed, and a field that was not must be of
a kind that follows from what was known before. So a signature fits no other act.

This file depends only on the standard library and the files that check a receipt. It is one file,
because it is one table and how it is read.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from domain.identity import is_id, part_id
from domain.moment import start
from domain.paging import LONGEST_LIST_BYTES, asset_pages
from domain.tree import NotVerified

Content = Mapping[str, Any]

_CREDIT = "credit.claimed credit.granted"
_ENTRIES = "entry.divided entry.continued proposal.implied"
_REVERSED = "entry.reversed entry.redivided entry.freed"
_AGREED = f"proposal.continued proposal.shared share.offered share.carried share.claimed {_ENTRIES}"

BRINGS = {
    "accept_credit": "credit.accepted > share.claimed share.offered",
    "accept_join": "join.accepted > share.claimed",
    "accept_membership": "membership.accepted",
    "accept_remix": "remix.accepted",
    "accept_share": "share.accepted",
    "admit_contributor": "contributor.admitted",
    "agree_licence": "credit.licence_agreed",
    "amend_pool": "pool.amended",
    "answer_challenge": "answer.given",
    "answer_comment": "proposal.answered",
    "answer_credit": "credit.answered",
    "answer_identifier": "identifier.answered",
    "answer_membership": "membership.answered",
    "answer_remix": "remix.answered",
    "ask_first": "contributor.asked_first",
    "assemble_release": "release.assembled identifier.stated remix.declared",
    "assign_leader": "project.leader_assigned",
    "assign_share": f"> proposal.posted proposal.finalised {_AGREED}",
    "choose_payment_currency": "payment_currency.chosen",
    "claim_payout": "payout.claimed",
    "claim_work": "credit.claimed",
    "close_challenge": "challenge.closed",
    "close_period": "period.closed",
    "close_project": "project.closed",
    "comment_on_proposal": "proposal.commented",
    "post_comment": "comment.posted",
    "confirm_share": "proposal.confirmed",
    "correct_credit": "credit.corrected",
    "correct_pool": "> entry.corrected entry.freed entry.continued",
    "date_membership": "membership.dated",
    "declare_remix": "remix.declared > outside.cited",
    "decline_credit": "credit.declined",
    "decline_join": "join.declined",
    "decline_membership": "membership.declined",
    "decline_remix": "remix.declined",
    "decline_share": "share.declined",
    "describe_challenge": "challenge.described",
    "describe_project": "project.described",
    "describe_step": "step.described",
    "describe_work": "work.described",
    "dispute_credit": "credit.disputed",
    "dispute_identifier": "identifier.disputed",
    "dispute_membership": "membership.disputed",
    "dispute_remix": "remix.disputed",
    "divide_shares": "contributor.divided",
    "edit_comment": "comment.edited",
    "end_role": "role.ended",
    "end_withholding": "withholding.ended",
    "extend_proposal": "proposal.extended",
    "notify_of_proposal": "proposal.notified",
    "feature_answer": "answer.featured",
    "finalise_proposal": f"proposal.finalised > {_AGREED}",
    "follow_subject": "follow.begun",
    "forget_contributor": "contributor.forgotten",
    "grant_role": "role.granted",
    "free_reserve": "> entry.freed entry.continued",
    "hide_credit": "credit.hidden",
    "hold_credit": "hold.opened",
    "identify_payee": "payee.identified",
    "issue_challenge": "challenge.issued",
    "issue_payouts": "batch.opened > payout.issued entry.freed entry.continued",
    "join_works": "join.declared > outside.cited share.claimed",
    "launch_project": "project.launched step.published",
    "lift_hold": "hold.lifted",
    "locate_pool": "pool.located",
    "merge_contributor": "contributor.merged > contributor.asked_first",
    "move_challenge": "challenge.moved",
    "offer_membership": "membership.offered",
    "open_credit": f"{_CREDIT} > credit.accepted",
    "open_pool": "pool.opened",
    "place_contribution": "placement.made",
    "post_proposal": "proposal.posted > proposal.continued",
    "publish_release": "release.published",
    "publish_step": "step.published",
    "record_adjustment": "> entry.adjusted entry.continued",
    "record_opening": "> entry.opened entry.continued",
    "record_agreement": f"> proposal.posted proposal.finalised share.accepted {_AGREED}",
    "record_assignment": "> entry.assigned entry.continued",
    "record_expense": f"expense.recorded > {_ENTRIES}",
    "record_revenue": f"revenue.recorded > revenue.reversed {_REVERSED} {_ENTRIES}",
    "redate_work": "work.redated",
    "register_key": "contributor.key_registered",
    "remove_leader": "project.leader_removed",
    "rename_contributor": "contributor.renamed",
    "remove_comment": "comment.removed",
    "reopen_challenge": "challenge.reopened",
    "reopen_project": "project.reopened",
    "replace_remix": "remix.retired remix.declared",
    "return_payout": "payout.returned",
    "reverse_expense": "expense.reversed > entry.redivided entry.freed entry.continued",
    "reverse_revenue": f"revenue.reversed > {_REVERSED} entry.continued",
    "revise_proposal": "proposal.revised > proposal.continued",
    "revoke_credit": "credit.revoked",
    "revoke_key": "contributor.key_revoked",
    "separate_contributor": "contributor.separated",
    "settle_credit": "credit.settled",
    "settle_identifier": "identifier.settled",
    "settle_membership": "membership.settled",
    "settle_payout": "payout.settled",
    "settle_remix": "remix.settled",
    "state_exchange_rate": "exchange_rate.stated",
    "state_identifier": "identifier.stated",
    "state_right": "work.right_stated",
    "state_reserve": "pool.reserving",
    "state_withholding": "withholding.stated",
    "stop_asking": "contributor.stopped_asking",
    "strike_remix": "remix.struck",
    "submit_contribution": f"contribution.submitted identifier.stated {_CREDIT} remix.declared"
    " placement.made answer.given > outside.cited work.described credit.accepted",
    "take_out_contribution": "placement.ended",
    "undo_join": "join.undone",
    "unfeature_answer": "answer.unfeatured",
    "unhide_credit": "credit.shown",
    "unfollow_subject": "follow.ended",
    "update_project": "project.updated",
    "waive_share": "share.waived > entry.corrected entry.freed entry.continued",
    "withdraw_answer": "answer.withdrawn",
    "withdraw_contribution": "contribution.withdrawn",
    "withdraw_identifier": "identifier.withdrawn",
    "withdraw_proposal": "proposal.withdrawn",
    "withdraw_release": "release.withdrawn",
}
"""By command: the kinds of its facts. Before “>” are those that state what it says, after it those
that only follow from it, which an audit recomputes."""

ENVELOPE = frozenset({"timestamp", "actor", "message", "signature", "binds", "owners"})
COMPUTED = frozenset(
    {
        *("made", "deadline", "waits_for", "by_name", "by_piece", "is_false", "stands_as"),
        "by_origin",
        *("disputer", "erased", "holds", "comment", "before", "was", "number", "batch", "parts"),
        *("paper", "agreement", "agreed", "rules", "flow", "lines", "value", "on"),
        *("node", "moved", "asked"),
        *("withheld", "withheld_of_parts", "conversion"),
        *("leaders", "left", "thread", "added", "removed_as", "writer"),
        *("notifies", "divides", "conflicts", "commenter", "commenters", "version", "reversal"),
        *("source_id", "known_as", "known_at"),
    }
)
"""The fields that Stemma computes, and nobody states."""
INHERITED = frozenset(
    {
        *("work", "contributor", "child", "parent", "about", "on", "pool", "release", "payee"),
        *("proposal", "currency", "amount_minor", "kind", "into", "country"),
        *("challenge", "step", "project", "group"),
    }
)
"""The fields that a later fact of a noun repeats from earlier ones."""
DEFAULTS = {
    "batch.opened": frozenset({"minimums", "minimum_minor", "count", "total_minor"}),
    "expense.recorded": frozenset({"payer_name"}),
    "expense.reversed": frozenset({"payer"}),
    "pool.opened": frozenset({"rounding", "comment_days", "deferral_minor"}),
    "proposal.posted": frozenset({"assets", "closes_at", "policy", "graph_position"}),
    "proposal.revised": frozenset({"assets", "closes_at", "policy", "graph_position"}),
    "proposal.extended": frozenset({"closes_at"}),
    "proposal.finalised": frozenset({"shares"}),
    "credit.disputed": frozenset({"answer_by"}),
    "membership.disputed": frozenset({"answer_by"}),
    "remix.declared": frozenset({"child", "kind", "rate", "places"}),
    "remix.retired": frozenset({"replaced_by"}),
    "placement.made": frozenset({"project"}),
    "comment.posted": frozenset({"work", "project", "challenge", "step", "mentions"}),
    "comment.edited": frozenset({"mentions"}),
}
"""By field: its value if nothing was stated."""
MOMENTS = frozenset({"effective_at", "closes_at", "answer_by", "until", "agreed_on"})
OTHERWISE = frozenset(
    {
        *("id", "authors", "sources", "components", "identifiers", "uri", "identifier"),
        *("step", "steps", "leaders", "challenges"),
    }
)
"""The arguments that are not recorded under their own names."""
DERIVED = ("share.", "role.", "hold.", "payout.", "payee.", "pool.", "proposal.", "expense.")
"""The kinds of facts whose ids are not arguments of their commands."""

ELSEWHERE = {"entry.": "amount_minor", "revenue.reversed": "amount_minor", "share.": "payee"}
"""By prefix of a kind of fact that only follows: the field whose meaning is not that of the
argument with the same name."""
BOOKED = {
    "entry.adjusted": "lines",
    "entry.opened": "lines",
    "entry.assigned": "amount_minor",
    "entry.reversed": "amount_minor",
}
"""By kind of entry: the argument with its amounts by payee."""
OUTSIDER = "payer/"
"""Prefix of the id of a payer whom only the books know, by name (domain.money.naming)."""
LEFT_OUT = {
    "share.": frozenset({"contributor", "work"}),
    "identifier.stated": frozenset({"contributor", "work", "identifier"}),
    "payee.identified": frozenset({"name"}),
    "pool.located": frozenset({"located_by"}),
    "proposal.commented": frozenset({"proposal"}),
    "proposal.posted": frozenset({"comment_days"}),
}
"""By prefix of a kind of fact: the arguments that it holds in another form."""
OF_POOLS = ("revenue.", "expense.")
"""The kinds of facts that repeat fields of their pool."""
PARTS = ("placement.", "answer.", "follow.")
"""The kinds of facts whose ids are derived from ids that their commands name."""
NAMED = ("contribution.", "project.", "step.", "challenge.", "membership.", "comment.")
"""The kinds of facts whose id is the argument “id” of their commands."""


def must_say(message: str, content: Content, topic: str, id: str, version: int) -> None:
    """Raise NotVerified, with the difference, unless a fact agrees with the signed message."""
    signed = json.loads(message)
    if _spelled(signed) != message:  # a repeated name could be read in several ways
        raise NotVerified("the message is not in its only spelling")
    if signed["actor"] != content["actor"]:
        raise NotVerified(f"the message is of {signed['actor']}, not of {content['actor']}")
    how, said = brings(signed["command"], topic), signed["arguments"]
    scope = _scope(said, topic, id)
    if how == "follows":
        _must_follow(said, content, topic, id)
    elif scope is None:
        raise NotVerified(f"{signed['command']} was signed for something else than {id}")
    else:
        if topic == "project.launched":  # who launches a project is one of its leaders
            scope["leaders"] = [*dict.fromkeys((signed["actor"], *(said.get("leaders") or ())))]
        if topic == "expense.recorded":
            scope["payer"] = _payer(said.get("payer") or "operator", str(content.get("payer")))
        if said.get("assets") and "assets" in content:
            scope["assets"] = next(asset_pages(said["assets"]))
        _must_be_stated(scope, content, topic, version)
        _must_be_recorded(scope, content, topic, id)


TARGETS = ("credit", "comment", "expense", "revenue", "proposal", "pool", "release", "contributor")
"""The arguments that name a target if none is called “id”, the most specific first."""


def target_of(command: str, said: Content) -> str:
    """The target of a command: the id of what it creates, else the one its path names."""
    first = ("credit", "id") if command == "claim_work" else ("id", *TARGETS)
    return next((str(said[name]) for name in first if isinstance(said.get(name), str)), "-")


MOST_PARTS = 1_000
"""The most authors, sources or components of a whole whose ids are derived."""


def may_be_about(target: str, topic: str, id: str) -> bool:
    """Whether a fact about an id may belong to what was signed for a target.

    It may if the id is the target, or derived from it as a part; ids of other kinds tell nothing.
    """
    parts = _PARTS_OF.get(topic.partition(".")[0])
    if id == target or parts is None:
        return True
    numbers = range(MOST_PARTS) if is_id(target) else ()
    return any(part_id(target, part, n) == id for part in parts for n in numbers)


_PARTS_OF = {
    **{"credit": ("author",), "remix": ("source", "component")},
    **dict.fromkeys(("contribution", "release"), ()),
}
"""The nouns whose ids are derived from a whole, with the names of the parts they may be."""


def brings(command: str, topic: str) -> str:
    """Whether a kind of fact “states” what a command says or only “follows” from it.

    Raises NotVerified if the command records no such fact. Of an unknown command, as of a later
    version, only the noun is compared.
    """
    stating, _, following = BRINGS.get(command, "").partition(">")
    if topic in stating.split():
        return "states"
    if topic in following.split():
        return "follows"
    if command not in BRINGS and topic.partition(".")[0] == command.rpartition("_")[2]:
        return "states"
    raise NotVerified(f"{command} was signed, which records no {topic}")


def _scope(said: Content, topic: str, id: str) -> dict[str, Any] | None:
    """The arguments about the noun with an id; None if the command does not mention it."""
    own = {name: value for name, value in said.items() if name not in OTHERWISE}
    for target in _ids(said):
        for part, scope in _parts(said, target):
            if part == id:
                return scope
    if topic.startswith(PARTS) or (topic.startswith(NAMED) and id != said.get("id")):
        return None
    if topic.startswith(DERIVED) or id in _ids(said):
        return _renamed(own, said, topic)
    return None


def _ids(said: Content) -> list[str]:
    return [value for value in said.values() if isinstance(value, str) and len(value) == 36]


def _parts(said: Content, whole: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The parts recorded along with a whole: the id of each, and the arguments about it."""
    for number, author in enumerate(said.get("authors") or ()):
        yield part_id(whole, "author", number), {"kind": "direct", **author, "work": whole}
    for number, source in enumerate(said.get("sources") or ()):
        scope = {name: source.get(name) for name in ("kind", "rate", "places", "ai", "ai_tool")}
        scope |= {"child": whole, "parent": source.get("work") or _outside(source["uri"])}
        if source.get("note") is not None:
            scope["evidence"] = source["note"]
        yield part_id(whole, "source", number), scope
    for number, one in enumerate(said.get("identifiers") or ()):
        yield part_id(whole, "identifier", number), {"about": whole, **one}
    for number, component in enumerate(said.get("components") or ()):
        scope = {"child": whole, "parent": component["work"], "kind": "component"}
        yield part_id(whole, "component", number), {"rate": component.get("rate"), **scope}
    yield from _calls(said, whole)
    if "work" in said and whole == said.get("id"):
        given = {name: said[name] for name in ("rate", "places") if said.get(name)}
        yield part_id(whole, "component", 0), {"parent": said["work"], **given}


def _calls(said: Content, whole: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The parts with ids derived by name: steps, placements, answers and follows."""
    why = {"reason": said["reason"]} if said.get("reason") else {}
    for number, step in enumerate(said.get("steps") or ()):
        yield part_id(whole, "step", number), {"project": whole, **step}
    placed = {"step": said["step"]} if said.get("step") else {}
    yield part_id(whole, "placement", 0), {"work": whole, **placed, **why}
    for challenge in said.get("challenges") or ():
        yield part_id(challenge, f"answer/{whole}", 0), {"challenge": challenge, "work": whole}
    for on in ("work", "contributor", "project", "challenge"):
        if said.get(on) == whole and said.get("id"):
            scope = {"follower": said["id"], "about": whole, "on": on, "shown": said.get("shown")}
            yield part_id(whole, f"follow/{said['id']}", 0), scope
    if isinstance(work := said.get("work"), str):
        scope = {"challenge": whole, "work": work, **why}
        yield part_id(whole, f"answer/{work}", 0), scope


def _outside(uri: str) -> str:
    """The id of an outside source, derived from its URI (domain.outside)."""
    return str(uuid5(NAMESPACE_URL, uri))


def _renamed(own: dict[str, Any], said: Content, topic: str) -> dict[str, Any]:
    """The arguments under the field names of the fact."""
    match topic:
        case "credit.claimed" | "credit.granted" if "credit" in said:  # a claim to a work
            renamed = {**own, "work": said["id"], "kind": "direct"}
            del renamed["credit"]
        case "credit.claimed" | "credit.granted":
            renamed = {"kind": "direct", **own}
        case "remix.declared":
            renamed = {"rate": None, "places": None, **own}
            if said.get("uri"):
                renamed["parent"] = _outside(said["uri"])
        case "remix.retired":
            renamed = {"reason": said.get("reason")}
        case "join.declared" if said.get("uri"):
            renamed = {**own, "work": _outside(said["uri"])}
        case "batch.opened" if said.get("minimums"):
            told = [[one["payee"], one["minimum_minor"]] for one in said["minimums"]]
            renamed = {**own, "minimums": told}
        case "hold.opened" | "hold.lifted":
            renamed = {**own, "credit": said["id"]}
        case "comment.posted":
            renamed = {**_nowhere_else(said), **own}
        case "identifier.stated":
            about = said.get("work") or said.get("contributor")
            renamed = {"about": about, **own, "identifier": said.get("identifier")}
        case _:
            return own
    return renamed


def _nowhere_else(said: Content) -> dict[str, Any]:
    """The fields with what a comment is on; those of a reply and of a step's comment are known."""
    if said.get("reply_to"):
        return {}
    open_to = "project" if said.get("step") else ""
    places = {"work", "project", "challenge", "step"} - {open_to}
    return {name: said.get(name) for name in sorted(places)}


def _must_be_stated(scope: dict[str, Any], content: Content, topic: str, version: int) -> None:
    """Raise NotVerified unless every field was signed, or follows from what was known."""
    open_to = COMPUTED | DEFAULTS.get(topic, frozenset())
    if version > 1 and not topic.startswith(("project.", "challenge.")):
        open_to |= INHERITED
    for name in content.keys() - ENVELOPE - scope.keys():
        if name not in open_to and not (
            topic.startswith((*DERIVED, *OF_POOLS)) and name in INHERITED
        ):
            raise NotVerified(f"the field “{name}” is {content[name]}, which was not signed")
    for name in content.keys() & scope.keys():
        if not _is_same(name, scope[name], content[name]):
            raise NotVerified(f"the field “{name}” is {content[name]}, which was not signed")


def _must_be_recorded(scope: dict[str, Any], content: Content, topic: str, id: str) -> None:
    """Raise NotVerified if an argument was left out, or an id in the path is not the fact's."""
    missing = {name for name in scope.keys() - content.keys() if scope[name] not in (None, [], id)}
    for beginning, names in LEFT_OUT.items():
        if topic.startswith(beginning):
            missing -= names
    if missing:
        raise NotVerified(f"the field “{min(missing)}” was signed and is not recorded")


def _spelled(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _is_same(name: str, said: Any, told: Any) -> bool:
    if _spelled(said) == _spelled(told):  # for Python 1, 1.0 and True are equal
        return True
    return name in MOMENTS and isinstance(said, str) and start(said) == told


def _must_follow(said: Content, content: Content, topic: str, id: str) -> None:
    """Raise NotVerified if a fact that only follows is about something else than the command."""
    sources = [
        one for one in said.get("sources") or (said,) if _outside(one.get("uri") or "") == id
    ]
    scope: Content | None = said
    match topic:
        case "credit.accepted":
            scope = _scope(said, topic, id)
        case "outside.cited" | "work.described":
            scope = sources[0] if sources else None
        case "contributor.asked_first":
            scope = said if id == said["into"] else None
    if scope is None:
        raise NotVerified(f"what was signed is about something else than {id}")
    other = {name for begins, name in ELSEWHERE.items() if topic.startswith(begins)}
    for name in scope.keys() & content.keys() - ENVELOPE - {"kind", "assets", "lines"} - other:
        if scope[name] is not None and not _is_same(name, scope[name], content[name]):
            raise NotVerified(f"the field “{name}” is {content[name]}, which was not signed")
    if "assets" in content and said.get("assets"):
        pages = asset_pages(said["assets"])
        if not any(_is_same("assets", page, content["assets"]) for page in pages):
            raise NotVerified("the shares that are proposed are others than those signed")
    if topic in BOOKED and said.get(BOOKED[topic]):
        _must_be_booked(said, content, topic)


def _payer(said: str, told: str) -> str:
    """The payer that a fact may name: as stated or, for a name, an id that the books gave it."""
    is_name = said != "operator" and "/" not in said and not is_id(said)
    return told if is_name and told.startswith(OUTSIDER) else said


def _must_be_booked(said: Content, content: Content, topic: str) -> None:
    """Raise NotVerified unless an entry's lines are as stated; of a long one, the first fact's."""
    if topic == "entry.reversed":
        is_booked = "revenue" not in said or content["amount_minor"] == -said["amount_minor"]
    elif topic == "entry.assigned":
        is_booked = sum(max(0, units) for _, units, *_ in content["lines"]) <= said["amount_minor"]
    else:
        booked = {str(payee): units for payee, units, *_ in content["lines"] if units}
        stated = Counter[str]()
        for line in said["lines"]:
            stated[line["payee"]] += line["amount_minor"]
        if said.get("payer"):
            stated[said["payer"]] -= stated.total()
        known = {payee: units for payee, units in booked.items() if not payee.startswith(OUTSIDER)}
        is_booked = all(stated[payee] == units for payee, units in known.items())
        if len(_spelled(content["lines"])) < LONGEST_LIST_BYTES // 2:
            is_booked &= sorted(booked.values()) == sorted(filter(None, stated.values()))
    if not is_booked:
        raise NotVerified("the amounts that are booked are others than those signed")
