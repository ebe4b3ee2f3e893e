"""Printing answers on a terminal: credits, lineage trees, histories, reports.

They are the same answers as over HTTP, laid out for reading. It is one file because
they share columns and wording.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, cast, get_type_hints

from rich.console import Console
from rich.highlighter import JSONHighlighter
from rich.markup import escape
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from domain.identity import may_be_id
from domain.money.currency import decimal, money
from domain.money.postings import ACCOUNTS, DIFFERENCE, EXCHANGED, RECEIVED, RESERVED, WITHHELD
from domain.printable import escaped, one_line
from projections import around, billing, formats, graph, sentences, timeline
from projections import contributors as people
from projections.ancestry import ancestry
from projections.dating import in_words
from projections.lineage import find
from projections.pages import Page
from projections.question import Asking
from projections.store import View
from projections.told import LineageTold
from projections.wording import day, earned, sending, several
from scripts.bundle import Report

RENDERERS = {
    **dict.fromkeys(("FactInHistory", "FactTold", "HappeningTold"), "terminal.facts"),
    "PartOfPerson": "terminal.contributors",
    "LicencesTold": "terminal.licences",
    "LineageTold": "terminal.lineage",
    "PartInRelease": "terminal.attribution",
    **dict.fromkeys(("WorkFacets", "PeopleFacets", "AnswerFacets"), "terminal.facets"),
    "EdgePreview": "terminal.as_json",
    "PoolStatement": "accounts.pool_statement",
    "ProposalTold": "accounts.proposal",
    "Diff": "accounts.diff",
    "Statement": "accounts.statement",
    "Earnings": "accounts.earnings",
    "PoolEarnings": "accounts.pool_earnings",
    "LedgerFact": "accounts.ledger",
    "Why": "accounts.why",
    "WithheldSummary": "accounts.withheld",
}
"""By name of an answer's type: the function that prints it; all others are printed as tables."""

SHOWN_PATHS = 3
"""How many paths are printed for one payee; --json has more."""

SHOWN_WORKS = 200
"""A tree shows at most this many works, the nearest; --json has all."""
SHOWN_GENERATIONS = 24

SHOWN_REFUSED = 50
"""How many refused lines are printed; --refused writes all of them."""


Columns = Mapping[str, str | Callable[[Any], object]]
"""The columns of a table: the field in each, or a function of the row."""


def _made(work: Mapping[str, Any]) -> str:
    return in_words(work["made_at"] or "")


def _paths(one: Mapping[str, Any]) -> str:
    return "; ".join(map(_path, one["paths"][:SHOWN_PATHS]))


def _path(path: Mapping[str, Any]) -> str:
    works = [work["title"] or "(withdrawn)" for work in path["works"]]
    if path["left_out"]:
        works.insert(len(works) // 2, f"({path['left_out']:,} more)")
    return " ← ".join(works)


def _path_count(one: Mapping[str, Any]) -> str:
    return f"{'' if one['path_count_is_exact'] else 'more than '}{one['path_count']}"


def _person(one: Mapping[str, Any]) -> str:
    """A person's name and the names they are credited as, with characters and parts made by AI.

    For a group, also its members.
    """
    name, parts = one["contributor"]["name"] or "(forgotten)", list[str]()
    for field, word in (("credited_as", "as"), ("character", "playing")):
        if named := dict.fromkeys(each[field] for each in one["credits"] if each[field]):
            parts.append(f"{word} {', '.join(named)}")
    parts += dict.fromkeys(filter(None, map(billing.made_with_ai, one["credits"])))
    said = f"{name} ({'; '.join(parts)})" if parts else name
    members = [each["contributor"]["name"] or "(forgotten)" for each in one.get("members") or ()]
    return f"{said}: {', '.join(members)}" if members else said


def _second(moment: str) -> str:
    """A recorded moment, to the second, in UTC."""
    return moment[:19].replace("T", " ")


def _place(one: Mapping[str, Any]) -> str:
    """The title or name of what a comment is on, or of what is followed."""
    kinds = ("step", "work", "project", "challenge", "contributor")
    found = next(one[kind] for kind in kinds if one.get(kind))
    return str(found.get("title") or found.get("name") or "(erased)")


def _comment(one: Mapping[str, Any]) -> str:
    """The text of a comment, after an arrow if it is a reply."""
    gone = f"(removed by {one['removed']['removed_as']})" if one["removed"] else "(erased)"
    return ("↳ " if one["reply_to"] else "") + (one["text"] or gone)


def received(pool: Mapping[str, Any]) -> str:
    """The amount that a pool received, in its currency."""
    return money(pool["received_minor"], pool["currency"])


def _amount(name: str, of: Mapping[str, Any]) -> str:
    """An amount in the currency stated beside it; without one, the plain number."""
    amount_minor, currency = of[name], of.get("currency")
    if amount_minor is None:
        return ""
    return decimal(amount_minor, currency) if currency else str(amount_minor)


def _why(one: Mapping[str, Any]) -> str:
    return " ".join(reason["says"] for reason in one["reasons"])


WORK: Columns = {"title": formats.label, "kind": "kind"}
PART: Columns = {"roles": "roles", "nearest": "generation", "pieces": "pieces"}
SUGGESTED: Columns = {**{one: one for one in ("distance", "works", "finished")}, "why": _why}
COLUMNS: dict[str, Columns] = {
    "WorkRef": {**WORK, "medium": "medium", "made": _made, "id": "id"},
    "Relative": {"generation": "generation", **WORK, "made": _made, "id": "id"},
    "SplitLine": {
        **{"payee": "payee", "units": "amount_minor", "share": "share", "paths": _path_count},
        "through": _paths,
    },
    "CreditTold": {
        "contributor": lambda one: one["contributor"]["name"] or "(no name)",
        **{one: one for one in ("role", "credited_as", "join_phrase", "character", "display")},
        "ai": lambda one: ", ".join(one["ai"] or ()),
        **{one: one for one in ("kind", "state", "id")},
    },
    "PersonItem": {
        **{one: one for one in ("id", "name", "state")},
        "did": lambda one: "; ".join(
            f"{did['role']} ({did['works']}: {formats.label(did['latest'])})" for did in one["did"]
        ),
    },
    "CommentInThread": {
        "posted": lambda one: _second(one["posted_at"]),
        "by": lambda one: "operator" if one["writer"] is None else one["writer"]["name"] or "",
        "on": _place,
        "says": _comment,
        "id": "id",
    },
    "FollowTold": {
        "follows": _place,
        "on": "on",
        "shown": lambda one: one["shown"] or "",
        "since": "position",
    },
    "FollowerTold": {
        "follower": lambda one: one["person"]["name"] or "(forgotten)",
        "since": "position",
        "id": lambda one: one["person"]["id"],
    },
    "PersonSuggested": {
        "person": lambda one: one["contributor"]["name"] or "(forgotten)",
        **{**SUGGESTED, "id": lambda one: one["contributor"]["id"]},
    },
    "ChallengeSuggested": {
        "challenge": lambda one: one["challenge"]["title"] or "(erased)",
        **{**SUGGESTED, "until": "answer_by", "id": lambda one: one["challenge"]["id"]},
    },
    "LikelySource": {"work": lambda one: formats.label(one["work"]), "why": _why},
    "BookingLine": {
        **{"earned": lambda one: earned(one["effective_at"]), "kind": "kind", "pool": "pool"},
        "name": "name",
        "amount": partial(_amount, "amount_minor"),
        "reversed": partial(_amount, "reversed_minor"),
        "taken back": partial(_amount, "taken_back_minor"),
        **{"currency": "currency", "document": "document", "id": "id"},
    },
    "PayoutTold": {
        **{"issued": lambda one: day(one["issued_at"]), "payee": "payee"},
        **{"amount": partial(_amount, "amount_minor"), "currency": "currency"},
        "sent": lambda one: sending(one["sent"], one["currency"]),
        **{one: one for one in ("state", "reference", "reason", "batch", "id")},
    },
    "PoolItem": {
        "pool": lambda pool: pool["name"] or "(erased)",
        "kind": "kind",
        "received": received,
        "id": "id",
    },
}
"""By name of an item's type: the columns of a list of them; by default all fields."""


def shown(text: str) -> str:
    """Text that people wrote, safe to print: on one line, without markup and control characters."""
    return escape(one_line(text))


def print_json(out: Console, told: object) -> None:
    """Print JSON; what a terminal would interpret is escaped. Only on a terminal it has colours."""
    said = escaped(json.dumps(told, ensure_ascii=False, indent=2))
    if not out.is_terminal:
        out.file.write(f"{said}\n")
        return
    text = Text(said)
    JSONHighlighter().highlight(text)
    out.print(text, soft_wrap=True)


def as_json(out: Console, asking: Asking) -> None:
    """An answer as the API returns it."""
    print_json(out, asking.told)


def plain(out: Console, asking: Asking) -> None:
    """Print any answer: a list as a table; a single thing as its fields, then each of its lists."""
    answer = asking.answer
    if isinstance(answer, Page):
        usual = COLUMNS.get(asking.question.result.__name__)
        heads = get_type_hints(asking.question.result)
        items = _with_names(asking.view, answer.items)
        table_of(out, usual or _columns(heads, items), items)
        return
    lists = {
        name: value
        for name, value in answer.items()
        if isinstance(value, list) and value and isinstance(value[0], dict)
    }
    known = [
        name
        for name, value in answer.items()
        if name not in lists and not _is_empty(value, or_zero=True)
    ]
    rows = [
        {"name": head, "value": _cell(answer[of] if isinstance(of, str) else of(answer))}
        for head, of in _columns(known, [answer]).items()
    ]
    table_of(out, {"": "name", " ": "value"}, rows)
    for name, listed in lists.items():
        items = _with_names(asking.view, listed)
        out.print(f"\n{name}")
        # Amounts in it are in the currency of the whole, unless a line states its own.
        own = {"currency": answer["currency"]} if answer.get("currency") else {}
        table_of(out, _columns(items[0], items), [own | item for item in items])


def _with_names(view: View, items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The items with names instead of ids, except for their own ids, which commands need."""
    said = (each for item in items for each in item.items())
    names = timeline.names(view, {id for field, id in said if _may_have_name(field, id)})
    return [
        {
            field: _name(value, names) if _may_have_name(field, value) else value
            for field, value in item.items()
        }
        for item in items
    ]


def _may_have_name(field: str, value: object) -> bool:
    return field != "id" and isinstance(value, str) and may_be_id(value)


def _is_empty(value: object, *, or_zero: bool) -> bool:
    return value is None or value is False or value in ("", []) or (or_zero and value == 0)


def _columns(heads: Iterable[str], items: Sequence[Mapping[str, Any]]) -> Columns:
    """A column for each field that any item has; amounts are shown in the currency of their line.

    If there are several amounts, those that are zero everywhere are left out.
    """
    heads = [*heads]
    has_several = sum(head.endswith("_minor") for head in heads) > 1

    told = [
        head
        for head in heads
        if not items
        or not all(
            _is_empty(one[head], or_zero=has_several and head.endswith("_minor")) for one in items
        )
    ]
    return {
        head.removesuffix("_minor"): partial(_amount, head) if head.endswith("_minor") else head
        for head in told
    }


def facets(out: Console, asking: Asking) -> None:
    """Print facets: how many there are with each value."""
    rows = [
        {"": by, "value": one["value"] or "(none)", "count": f"{one['count']:,}"}
        for by, facet in asking.answer.items()
        if isinstance(facet, dict)
        for one in (*facet["values"], *_left_out(facet))
    ]
    answer = asking.answer
    how_many = "in all" if answer["is_exact"] else "or more, of which the latest were counted"
    out.print(f"{answer['total']:,} {how_many}")
    table_of(out, {name: name for name in ("", "value", "count")}, rows)


def _left_out(facet: Mapping[str, Any]) -> list[dict[str, Any]]:
    more = facet["left_out"]
    return [{"value": f"({more:,} more)", "count": 0}] if more else []


def table_of(out: Console, columns: Columns, rows: Iterable[Mapping[str, Any]]) -> None:
    """A table with these columns."""
    table = Table(box=None, show_header=any(map(str.strip, columns)))
    for head, of in columns.items():
        table.add_column(head, no_wrap=head == "id", overflow="fold")
        if of is received or isinstance(of, partial):
            table.columns[-1].justify = "right"
    for row in rows:
        table.add_row(
            *(_cell(row[of] if isinstance(of, str) else of(row)) for of in columns.values())
        )
    out.print(table)


def _fields(of: dict[str, Any]) -> Iterator[str]:
    """The fields of an object in words; an amount beside its currency is one of them."""
    match of:
        case {"currency": str(currency), "amount_minor": int(units), **rest}:
            yield money(units, currency)
            of = rest
    for name, each in of.items():
        if cell := _cell(each):
            yield f"{name.replace('_', ' ')} {cell}"


def _cell(value: object) -> str:
    """A value on one line: an object by its label, a list by its items."""
    match value:
        case None:
            return ""
        case {"name": name, "id": _}:
            return shown(str(name or "(forgotten)"))
        case {"title": title, "uri": _, **rest} if title or "kind" in rest:
            return shown(formats.label(cast("Mapping[str, Any]", value)))
        case {"title": title, "id": _}:
            return shown(str(title or "(erased)"))
        case dict() | list():
            return ", ".join(_fields(value) if isinstance(value, dict) else map(_cell, value))
    return shown(str(value))


def facts(out: Console, asking: Asking) -> None:
    """Facts in sentences, as pages say them, with the reasons and texts of those who acted."""
    told, view = asking.answer.items, asking.view
    names = sentences.names_in(view, told)
    followed = {one["follows"] for one in told if one.get("follows")}
    names |= timeline.names(view, followed)
    columns: Columns = {
        "position": "position",
        "recorded": lambda fact: _second(fact["recorded_at"]),
        "fact": "topic",
        "says": lambda fact: _says(fact, names),
    }
    if followed:
        columns = {**columns, "you follow": lambda fact: _name(fact["follows"] or "", names)}
    table_of(out, columns, told)


def _says(fact: Mapping[str, Any], names: Mapping[str, Mapping[str, Any]]) -> str:
    """The sentence of a fact, then why it was done, on what evidence, and what was written."""
    content, beside = fact["content"], {"because": fact["reason"]}
    beside |= {name: content.get(name) for name in ("evidence", "text")}
    further = [f"{word}: {text}" for word, text in beside.items() if text]
    for id in content.get("mentions") or ():
        further = [one.replace(f"@{id}", f"@{_name(id, names)}") for one in further]
    return "; ".join([sentences.sentence(fact, names), *further])


def _name(id: str, names: Mapping[str, Mapping[str, Any]]) -> str:
    return sentences.called(names[id]) if id in names else id


def contributors(out: Console, asking: Asking) -> None:
    """A credits roll, and below it the lineage."""
    view, id, page = asking.view, asking.said["id"], asking.answer
    work = around.work(view, id)
    out.print(f"\n[bold]{shown(formats.label(work))}[/bold]\n")
    for kind in ("direct", "influence"):
        credited = [one for one in page.items if one["kind"] == kind]
        if not credited:
            continue
        table_of(out, {kind: _person, **PART, "paths": _path_count}, credited)
        out.print()
    _tree(out, view, graph.page(view, id))
    if count := asking.beside["claims"]["count"]:
        what = several(count, "claim that waits", "claims that wait")
        out.print(f"\nNot counted: {what} for an answer; `stemma claims WORK` lists them.")


def lineage(out: Console, asking: Asking) -> None:
    """A lineage as a tree."""
    _tree(out, asking.view, asking.answer)


def licences(out: Console, asking: Asking) -> None:
    """The licences along a lineage, and what conflicts."""
    answer = asking.answer
    columns: Columns = {
        "generation": "generation",
        "work": lambda one: formats.label(one["work"]),
        "licence": lambda one: one["name"] or "not stated",
    }
    table_of(out, columns, answer["works"])
    if answer["left_out"]:
        out.print(f"… and {answer['left_out']} more works")
    for one in answer["conflicts"]:
        ends = f"{formats.label(one['child'])} ← {formats.label(one['parent'])}"
        sold = " if it is sold" if one["only_if_sold"] else ""
        said = f"{one['code']}{sold}: {ends}: {one['detail']} ({one['source']})"
        out.print(shown(said), soft_wrap=True)
    if not answer["conflicts"]:
        out.print("no conflict")


def _tree(out: Console, view: View, told: LineageTold) -> None:
    """Print the nearest works, each once with its parents below it, and again only by name."""
    parents: dict[str, dict[str, list[str]]] = {}
    for edge in told["edges"]:
        says = edge["kind"] if edge["rate"] is None else f"{edge['kind']} {edge['rate']}"
        says += ", dated later" if edge["suspect_dates"] else ""
        parents.setdefault(edge["child"], {}).setdefault(edge["parent"], []).append(says)
    nearest = told["nodes"][:SHOWN_WORKS]
    end = min((one["generation"] for one in nearest), default=0) + SHOWN_GENERATIONS
    near = {one["id"]: one for one in nearest if one["generation"] < end}
    drawn, waiting = set[str](), deque[tuple[str, Tree]]()
    for first, node in near.items():
        if first in drawn:
            continue
        root = Tree(_line(node))
        drawn.add(first)
        waiting.append((first, root))
        while waiting:
            id, branch = waiting.popleft()
            for parent in [one for one in parents.get(id, ()) if one in near]:
                again = parent in drawn and parent in parents
                text = f"[dim]{', '.join(parents[id][parent])}:[/dim] {_line(near[parent])}"
                below = branch.add(f"{text} [dim](above)[/dim]" if again else text)
                if parent not in drawn:
                    drawn.add(parent)
                    waiting.append((parent, below))
        out.print(root, soft_wrap=True)
    whole = len(ancestry(view, find(view, told["root"]).number).tree.generation)
    if left := whole - len(drawn):
        out.print(f"… and {left:,} more: `stemma ancestors {told['root']}` lists them")


def _line(node: Mapping[str, Any]) -> str:
    names = billing.line(node.get("contributors", ()))
    made = f" {shown(in_words(node['made_at']))}" if node["made_at"] else ""
    by = f" — {shown(names)}" if names else ""
    return f"[bold]{shown(formats.label(node))}[/bold]{made}{by}"


def attribution(out: Console, asking: Asking) -> None:
    """The releases a person is in."""
    person = people.person(asking.view, asking.said["id"])
    out.print(f"\n[bold]{shown(person['name'] or '(forgotten)')}[/bold]\n")
    columns: Columns = {"release": "release", "state": lambda one: one["release"]["state"]}
    table_of(out, {**columns, "how": "kind", **PART}, asking.answer.items)


_PARTS = {"remix": "source", "work.redate": "date", "work.describe": "description of a source"}
"""What may be left out of a piece, by the type of its line."""


def import_report(out: Console, report: Report) -> None:
    """The result of an import, and every refused line with its reason."""
    refused = [(one, "refused") for one in report.refused]
    refused += [(one, f"{_PARTS[one.line['type']]} left out") for one in report.left_out]
    told = [f"{one.where}: {what} ({one.code}): {shown(one.reason)}" for one, what in refused]
    _first(out, told, "more (--refused FILE has them all)")
    _first(out, [f"{one.where}: {shown(one.warning)}" for one in report.warned], "more warnings")
    table = Table("", "recorded", "unchanged", box=None)
    for name in sorted(report.recorded.keys() | report.unchanged.keys()):
        table.add_row(name, str(report.recorded[name]), str(report.unchanged[name]))
    out.print(table)
    out.print(
        f"{several(report.lines, 'line')}: {report.recorded.total()} recorded, "
        f"{report.unchanged.total()} unchanged, {len(report.refused)} refused"
        + (f"; left out: {len(report.left_out)}" if report.left_out else "")
    )


def _first(out: Console, lines: list[str], more: str) -> None:
    for line in lines[:SHOWN_REFUSED]:
        out.print(line)
    if len(lines) > SHOWN_REFUSED:
        out.print(f"… and {len(lines) - SHOWN_REFUSED} {more}")


FURTHER = (RESERVED, WITHHELD, EXCHANGED, DIFFERENCE)


def totals(out: Console, told: dict[str, dict[str, int]]) -> None:
    """The balances of the accounts in each currency: what was received equals all the others."""
    if not told:
        return
    # These accounts are shown only if there is anything on them.
    further = any(units[account] for units in told.values() for account in FURTHER)
    used = [each for each in ACCOUNTS if further or each not in FURTHER]
    table = Table("currency", *(account.replace("_", " ") for account in used), box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for currency, units in told.items():
        # In the ledger, what came in is the negative of where it is.
        shown = units | {RECEIVED: -units[RECEIVED]}
        table.add_row(currency, *(decimal(shown[account], currency) for account in used))
    out.print(table)
