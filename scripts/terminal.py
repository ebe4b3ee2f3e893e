"""Answers on a terminal: credits rolls, lineage trees, histories, reports.

The one rule: what is printed is what the same question answers over HTTP, laid out for reading.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, get_type_hints

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from domain.money.currency import decimal
from domain.money.postings import ACCOUNTS
from projections import attribution as people
from projections import formats
from projections import lineage as works_read
from projections.lineage import Shown
from projections.question import Asking
from projections.store import Page
from scripts.bundle import Report

RENDERERS = {
    "WorkRef": "terminal.works",
    "PartOfPerson": "terminal.contributors",
    "LineageTold": "terminal.lineage",
    "Relative": "terminal.relatives",
    "SplitLine": "terminal.split",
    "FactInHistory": "terminal.history",
    "FactTold": "terminal.history",
    "PartInRelease": "terminal.attribution",
    "EdgePreview": "terminal.as_json",
    "PoolItem": "accounts.pools",
    "PoolStatement": "accounts.pool_statement",
    "ProposalTold": "accounts.proposal",
    "Diff": "accounts.diff",
    "Statement": "accounts.statement",
    "LedgerFact": "accounts.ledger",
    "Why": "accounts.why",
}
"""What lays out an answer, by the name of its type; everything else is printed plainly."""

SHOWN_PATHS = 3
"""How many ways are printed for one payee; --json tells more."""

SHOWN_REFUSED = 50
"""How many refused lines are printed; --refused writes them all."""


_CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
"""What a terminal would obey instead of showing it."""


def shown(text: str) -> str:
    """A text of somebody's, safe to print: no markup, no control characters."""
    return escape(_CONTROLS.sub("\ufffd", text))


def print_json(out: Console, told: object) -> None:
    """What programs read."""
    out.print_json(json.dumps(told, ensure_ascii=False))


def as_json(out: Console, asking: Asking) -> None:
    """An answer that is of numbers above all, as the API gives it."""
    print_json(out, asking.told)


def plain(out: Console, asking: Asking) -> None:
    """Any answer: a list as a table, one thing as names and values."""
    answer = asking.answer
    if isinstance(answer, Page):
        table_of(out, list(get_type_hints(asking.question.result)), answer.items)
    else:
        table_of(out, (), [{"name": name, "value": value} for name, value in answer.items()])


def table_of(out: Console, heads: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows under heads; without heads, as they come."""
    table = Table(*heads, box=None, show_header=bool(heads))
    for row in rows:
        table.add_row(*(_cell(row[name]) for name in heads or row))
    out.print(table)


def _cell(value: object) -> str:
    """A value on one line: of an object what people call it, of a list its items."""
    match value:
        case None:
            return ""
        case {"name": name, "id": id}:
            return shown(str(name or id))
        case {"title": title, "uri": uri}:
            return shown(str(title or uri))
        case dict():
            return ", ".join(f"{name}={_cell(each)}" for name, each in value.items())
        case list():
            return "; ".join(map(_cell, value))
    return shown(str(value))


def works(out: Console, asking: Asking) -> None:
    """A list of works."""
    table = Table("title", "kind", "medium", "made", box=None)
    table.add_column("id", no_wrap=True)
    for work in asking.answer.items:
        table.add_row(
            shown(formats.label(work)),
            work["kind"],
            shown(work["medium"] or ""),
            work["made_at"] or "",
            work["id"],
        )
    out.print(table)


def contributors(out: Console, asking: Asking) -> None:
    """A credits roll, and beneath it the lineage it rests on."""
    view, id, page = asking.view, asking.said["id"], asking.answer
    work, tree = works_read.work(view, id), people.lineage_with_makers(view, id)
    out.print(f"\n[bold]{shown(formats.label(work))}[/bold]\n")
    for kind in ("direct", "influence"):
        credited = [one for one in page.items if one["kind"] == kind]
        if not credited:
            continue
        table = Table(kind, "roles", "nearest", "pieces", "ways", box=None, title_justify="left")
        for one in credited:
            table.add_row(
                shown(one["contributor"]["name"] or "(forgotten)"),
                ", ".join(one["roles"]),
                str(one["generation"]),
                str(one["pieces"]),
                str(one["path_count"]),
            )
        out.print(table)
        out.print()
    out.print(_tree(tree), soft_wrap=True)


def lineage(out: Console, asking: Asking) -> None:
    """A lineage as a tree."""
    tree = people.lineage_with_makers(asking.view, asking.said["id"])
    out.print(_tree(tree), soft_wrap=True)


def _tree(told: Shown) -> Tree:
    """A work drawn once with its parents below it; where it comes again, only its name."""
    nodes, first = told.works, told.lineage.root
    parents: dict[str, dict[str, list[str]]] = {}
    for edge in told.lineage.edges:
        says = edge.kind if edge.rate is None else f"{edge.kind} {edge.rate}"
        parents.setdefault(edge.child, {}).setdefault(edge.parent, []).append(says)
    root = Tree(_line(nodes[first]))
    drawn, waiting = {first}, deque([(first, root)])
    while waiting:
        id, branch = waiting.popleft()
        for parent, kinds in parents.get(id, {}).items():
            again = parent in drawn and parent in parents
            text = f"[dim]{', '.join(kinds)}:[/dim] {_line(nodes[parent])}"
            below = branch.add(f"{text} [dim](above)[/dim]" if again else text)
            if parent not in drawn:
                drawn.add(parent)
                waiting.append((parent, below))
    return root


def _line(node: Mapping[str, Any]) -> str:
    names = ", ".join(
        dict.fromkeys(one["name"] or "(forgotten)" for one in node.get("contributors", ()))
    )
    made = f" {node['made_at']}" if node["made_at"] else ""
    by = f" — {shown(names)}" if names else ""
    return f"[bold]{shown(formats.label(node))}[/bold]{made}{by}"


def relatives(out: Console, asking: Asking) -> None:
    """Ancestors or descendants, generation by generation."""
    table = Table("generation", "title", "kind", "made", box=None)
    table.add_column("id", no_wrap=True)
    for work in asking.answer.items:
        table.add_row(
            str(work["generation"]),
            shown(formats.label(work)),
            work["kind"],
            work["made_at"] or "",
            work["id"],
        )
    out.print(table)


def split(out: Console, asking: Asking) -> None:
    """What each payee would get, and the shortest ways by which it comes."""
    table = Table("payee", "units", "share", "ways", box=None)
    table.add_column("through", overflow="fold")
    for one in asking.answer.items:
        ways = [
            " ← ".join(shown(work["title"] or "(withdrawn)") for work in path["works"])
            for path in one["paths"][:SHOWN_PATHS]
        ]
        table.add_row(
            shown(one["payee"]["name"] or "(forgotten)"),
            str(one["amount_minor"]),
            one["share"],
            str(one["path_count"]),
            "; ".join(ways),
        )
    out.print(table)


def history(out: Console, asking: Asking) -> None:
    """Facts in order."""
    table = Table("position", "recorded", "fact", "actor", box=None)
    table.add_column("says", overflow="fold")
    for one in asking.answer.items:
        says = [f"{name}={value}" for name, value in one["content"].items() if value is not None]
        if one["reason"]:
            says.append(f"because: {one['reason']}")
        table.add_row(
            str(one["position"]),
            one["recorded_at"][:19].replace("T", " "),
            one["topic"],
            one["actor"],
            shown(" ".join(says)),
        )
    out.print(table)


def attribution(out: Console, asking: Asking) -> None:
    """The finished works a person is in."""
    person = people.person(asking.view, asking.said["id"])
    out.print(f"\n[bold]{shown(person['name'] or '(forgotten)')}[/bold]\n")
    table = Table("finished work", "state", "how", "roles", "pieces", "nearest", box=None)
    for one in asking.answer.items:
        table.add_row(
            shown(formats.label(one["release"])),
            one["release"]["state"],
            one["kind"],
            ", ".join(one["roles"]),
            str(one["pieces"]),
            str(one["generation"]),
        )
    out.print(table)


def import_report(out: Console, report: Report) -> None:
    """What became of a bundle, and every refused line with its reason."""
    for refused in report.refused[:SHOWN_REFUSED]:
        out.print(f"{refused.where}: refused ({refused.code}): {shown(refused.reason)}")
    if len(report.refused) > SHOWN_REFUSED:
        out.print(f"… and {len(report.refused) - SHOWN_REFUSED} more (--refused FILE has them all)")
    table = Table("", "recorded", "unchanged", box=None)
    for name in sorted(report.recorded.keys() | report.unchanged.keys()):
        table.add_row(name, str(report.recorded[name]), str(report.unchanged[name]))
    out.print(table)
    out.print(
        f"{report.lines} lines: {report.recorded.total()} recorded, "
        f"{report.unchanged.total()} unchanged, {len(report.refused)} refused"
    )


def totals(out: Console, told: dict[str, dict[str, int]]) -> None:
    """What stands on the accounts of each currency."""
    if not told:
        return
    table = Table("currency", *(account.replace("_", " ") for account in ACCOUNTS), box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for currency, units in told.items():
        table.add_row(currency, *(decimal(units[account], currency) for account in ACCOUNTS))
    out.print(table)
