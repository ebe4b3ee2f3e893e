"""Money on a terminal: pools, proposals, statements, ledgers, and why a payee got an amount.

Every amount is shown in its currency, every share exactly and in percent.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from domain.money.currency import money
from projections.money.pools import pool_named
from projections.money.pools.told import PieceTold
from projections.question import Asking
from projections.wording import (
    CONSENTS,
    HELD_BECAUSE,
    OF_TAX,
    STANDS,
    WAITS_BECAUSE,
    booked,
    day,
    earned,
    entry_of,
    minute,
    percent,
    recouping,
    remarks,
    reserving,
    sending,
    units,
    waived_over,
)
from scripts.terminal import shown

PORTION = 1_000
"""How many lines of a ledger are laid out at once: each takes 4 KB until it is printed."""


def proposal(out: Console, asking: Asking) -> None:
    """A proposal or agreement, its comments, and who is missing."""
    told = asking.answer
    number = f", agreement {told['number']} of its pool" if told["number"] else ""
    how = "by hand" if told["policy"] is None else f"by {told['policy']['type']}"
    out.print(f"\n[bold]{told['state']}{number}[/bold], set {how}")
    out.print(_came_about(told))
    if told["state"] == "open":
        out.print(f"can be final from {minute(told['final_from'])} UTC on")
    out.print()
    table = _table(["payee"], ["share", "percent"], "answer")
    for line in told["shares"]:
        table.add_row(
            _name(line["payee"]),
            line["share"],
            percent(line["share"]),
            CONSENTS.get(line["consent"], ""),
        )
    for line in told["waived"]:
        share = line["share"]
        table.add_row(f"[s]{_name(line['payee'])}[/s]", share, percent(share), "waived")
    out.print(table)
    revised = {one["position"] for one in told["revisions"]}
    for comment in told["comments"]:
        out.print(f"\n{comment['kind']}: {shown(comment['text'] or '(erased)')}")
        for answer in comment["answers"]:
            instead = "by a revision" if answer["position"] in revised else "(erased)"
            out.print(f"  answered: {shown(answer['text'] or instead)}")
    for missing in told["warnings"]:
        out.print(f"\nused but without a share: {shown(missing['name'] or missing['id'])}")


def _came_about(told: dict[str, Any]) -> str:
    """A sentence on how people could comment on a proposal, or why nobody had to."""
    proof = f": {shown(told['document'])}" if told["document"] else ""
    if told["is_implied"]:
        return "the terms of the pool name everybody, so nobody had to agree"
    if told["replaces"]:
        return f"a share of agreement {told['replaces']} was assigned to others{proof}"
    if told["agreed_on"]:
        return f"agreed elsewhere on {day(told['agreed_on'])}, without comments here{proof}"
    return f"comments from {minute(told['opened_at'])} to {minute(told['closes_at'])} UTC"


def diff(out: Console, asking: Asking) -> None:
    """How the shares changed since the first proposal, with the comments that caused it."""
    told = asking.answer
    table = _table(["payee"], ["first", "current", "change"], "because")
    for line in told["lines"]:
        said = [
            f"{comment['kind']}: {comment['text'] or '(erased)'}"
            for cause in line["causes"]
            for comment in cause["comments"]
            if comment["concerns"]
        ]
        said += [
            f"{waiver['payee']['name'] or '(forgotten)'} waived {waiver['share']}"
            for waiver in line["waivers"]
        ]
        change = "" if line["change"] == "0" else line["change"]
        table.add_row(
            _name(line["payee"]), line["first"], line["current"], change, shown("; ".join(said))
        )
    out.print(table)


def statement(out: Console, asking: Asking) -> None:
    """What a person earned, was paid and is owed, currency by currency."""
    told = asking.answer
    out.print(f"\n[bold]{shown(told['contributor']['name'] or '(forgotten)')}[/bold]")
    if not told["statements"]:
        out.print("\nNothing was earned yet.")
    for one in told["statements"]:
        currency = one["currency"]
        out.print()
        _sums(
            out,
            [
                ("opening", one["net"]["opening_minor"]),
                ("+ earned", one["earned_minor"]),
                ("− held", one["held_minor"]),
                *([("− reserved", one["reserved_minor"])] if one["reserved_minor"] else []),
                ("− paid", one["paid_minor"]),
                ("= closing", one["net"]["closing_minor"]),
            ],
            currency,
        )
        for name, said in STANDS.items():
            if amount := one["balances"][name]:
                out.print(f" {said}: {money(amount, currency)}")
        for said in remarks(one):
            out.print(f" {shown(said)}")
        if one["movements"]:
            out.print()
            out.print(_lines(one))


def _lines(one: dict[str, Any]) -> Table:
    heads = ("recorded", "earned", "what", "release", "pool", "source")
    table = _table(heads, ["amount"])
    for line in one["movements"]:
        table.add_row(
            day(line["recorded_at"]),
            earned(line["effective_at"]),
            _what(line, one["currency"]),
            _of(line["release"], "title"),
            _of(line["pool"], "name"),
            shown(line["source"] or ""),
            money(line["amount_minor"], one["currency"]),
        )
        for part in line["parts"] if len(line["parts"]) > 1 else ():
            of = _of(part["release"], "title"), _of(part["pool"], "name")
            amount = money(part["amount_minor"], one["currency"])
            table.add_row("", "", f"  of it {amount}", *of, "", "")
    return table


def _of(named: dict[str, Any] | None, what: str) -> str:
    return "" if named is None else shown(named[what] or "(erased)")


def _what(line: dict[str, Any], currency: str) -> str:
    """The description of a line of a statement, with its reason or what was recouped."""
    what = booked(line)
    if line["recouped"]:
        return recouping(line["recouped"], currency, shown)
    what += f", late for {earned(line['effective_at'])}" if line["is_late"] else ""
    what += f", by {shown('; '.join(line['rules']))}" if line["rules"] else ""
    sent = line["sent"] and sending(line["sent"], currency)
    return ": ".join(filter(None, [what, shown(line["reason"] or ""), sent]))


def earnings(out: Console, asking: Asking) -> None:
    """What somebody earned, month by month."""
    told = asking.answer
    out.print(f"\n[bold]{shown(told['contributor']['name'] or '(forgotten)')}[/bold]\n")
    if not told["earnings"]:
        out.print("Nothing was earned.")
        return
    rows = [(month, one["currency"]) for one in told["earnings"] for month in one["months"]]
    _months(out, rows, {one["currency"]: one["earned_minor"] for one in told["earnings"]})


def pool_earnings(out: Console, asking: Asking) -> None:
    """What payees of a pool earned, month by month."""
    told = asking.answer
    currency = told["currency"]
    _months(out, [(month, currency) for month in told["months"]], {currency: told["earned_minor"]})


def _months(out: Console, rows: list[tuple[Any, str]], sums: dict[str, int]) -> None:
    """Print what was earned in each month, how much of it is late, and the sums."""
    pools = ["pool"] if any("pool" in month for month, _ in rows) else []
    table = _table(["month", *pools], ["earned", "of it late"])
    for month, currency in rows:
        of = [_of(month[name], "name") for name in pools]
        late = money(month["late_minor"], currency) if month["late_minor"] else ""
        table.add_row(month["month"], *of, money(month["earned_minor"], currency), late)
    for currency, whole in sums.items():
        table.add_row("[bold]all[/bold]", *("" for _ in pools), money(whole, currency), "")
    out.print(table)


def pool_statement(out: Console, asking: Asking) -> None:
    """Where every unit of a pool is."""
    told = asking.answer
    currency = told["currency"]
    out.print(f"\n[bold]{shown(told['name'] or '(erased)')}[/bold]\n")
    _sums(
        out,
        [
            ("received", told["received_minor"]),
            ("− reversed", told["reversed_minor"]),
            *([("+ earlier books", told["opening_minor"])] if told["opening_minor"] else []),
            ("− waiting", told["waiting_minor"]),
            ("= divided", told["divided_minor"]),
        ],
        currency,
    )
    for waiting in told["waiting"]:
        amount = money(waiting["waiting_minor"], currency)
        out.print(
            f" waiting: {amount} of {shown(waiting['source'])}: {WAITS_BECAUSE[waiting['because']]}"
        )
    columns = (
        *("earned", "payable", "held", "debt", "in_transit", "paid"),
        *("suspense", "withheld", "exchanged", "reserved"),
    )
    used = [name for name in columns if name == "earned" or told["totals"][f"{name}_minor"]]
    amounts = (name.replace("_", " ") for name in used)
    table = _table(["payee"], ["share", "percent", *amounts], "held because")
    for line in told["lines"]:
        table.add_row(
            _owner(line),
            line["share"] or "",
            percent(line["share"]),
            *(money(line[f"{name}_minor"], currency) for name in used),
            ", ".join(HELD_BECAUSE[reason] for reason in line["held_because"]),
        )
    total = (money(told["totals"][f"{name}_minor"], currency) for name in used)
    table.add_row("[bold]all[/bold]", "", "", *total, "")
    out.print()
    out.print(table)
    for line in told["recouped"]:
        out.print(f" {recouping(line, currency, shown)}")
    for rule in told["rules"]:
        to = _name(rule["payee"]) if rule["payee"] else "all who share by agreement"
        out.print(f" {shown(rule['rule'])}: {units(rule['amount'], currency)} to {to}")


def withheld(out: Console, asking: Asking) -> None:
    """What was withheld in a year, by payee and country."""
    told = asking.answer
    figures = ("paid", "withheld", "rate", "payouts")
    table = _table(["payee", "country"], figures, "rests on")
    for line in told["lines"]:
        table.add_row(
            _name(line["payee"]),
            line["country"],
            *(money(line[f"{name}_minor"], line["currency"]) for name in ("paid", "withheld")),
            percent(line["rate"], OF_TAX),
            str(line["payouts"]),
            shown(line["document"] or "no rule"),
        )
    for line in told["totals"]:
        paid, kept = (money(line[f"{n}_minor"], line["currency"]) for n in ("paid", "withheld"))
        table.add_row("[bold]all[/bold]", line["country"], paid, kept, "", "", "")
    out.print(table)


def ledger(out: Console, asking: Asking) -> None:
    """Every fact that moved money of a pool, with its postings."""
    currency = pool_named(asking.view, asking.journal, asking.said["id"]).currency
    heads, rows = ("position", "recorded", "fact", "account", "payee"), list[tuple[str, ...]]()
    for fact in asking.answer.items:
        head = (str(fact["position"]), day(fact["recorded_at"]), fact["topic"])
        for posting in fact["postings"]:
            payee = "" if posting["payee"] is None else _name(posting["payee"])
            amount = money(posting["amount_minor"], currency)
            rows.append((*head, posting["account"], payee, amount))
            head = ("", "", "")
    widths = [max(map(cell_len, column)) for column in zip((*heads, "amount"), *rows, strict=True)]
    for first in range(0, len(rows) or 1, PORTION):
        table = _table(heads, ["amount"])
        table.show_header = not first
        for row in rows[first : first + PORTION]:
            table.add_row(*row)
        for column, width in zip(table.columns, widths, strict=True):
            column.min_width = width if len(rows) > PORTION else None
        out.print(table)


def why(out: Console, asking: Asking) -> None:
    """Why a payee got this amount, in steps that add up to it."""
    told = asking.answer
    currency = told["currency"]
    given, whole = (money(told[name], currency) for name in ("amount_minor", "of_minor"))
    corrects = told["corrects"]
    said = {"division": f"{given} of {whole}", "reserve": "what was held back for returns"}
    what = said.get(told["kind"]) or f"{given} by {entry_of(told)}"
    because = f" ({shown(told['reason'])})" if told["reason"] else ""
    out.print(f"\n[bold]{_name(told['payee'])}: {what}{because}[/bold]\n")
    table, after = Table(box=None, show_header=False), Fraction(told["carry_after"])
    agreed = f"{percent(told['share'])} ({told['share']}) of the agreed part"
    if corrects:
        before = f"{percent(corrects['share'])} ({corrects['share']})"
        agreed += f", {units(told['agreed'], currency)}, instead of {before}"
        if corrects["agreed"] != told["agreed"]:
            agreed += f" of {units(corrects['agreed'], currency)}"
    for amount, what in (
        (told["by_agreement"], agreed),
        (told["by_terms"], "by the terms of the pool"),
        *((str(cost["amount_minor"]), "reimbursed for an expense") for cost in told["costs"]),
        (told["stated"], "stated"),
        (told["carry_before"], "carried from earlier divisions"),
        (str(-after), "carried to the next one" if after > 0 else "taken from the next one"),
    ):
        if amount != "0":
            table.add_row(units(amount, currency), what)
    out.print(table)
    for rule in told["rules"]:
        out.print(f" of it {units(rule['amount'], currency)} by {shown(rule['rule'])}")
    for line in told["recouped"]:
        out.print(recouping(line, currency, shown))
    for line in told["reserved"]:
        out.print(f" of it {reserving(line, currency)}")
    rounding = told["rounding"]
    if rounding is not None and rounding["left_over"]:
        out.print(
            f"\nLeft over after everybody got whole units: {abs(rounding['left_over'])}; "
            f"the remainder of this line ranked {rounding['rank']} of {rounding['payees']}"
        )
    for piece in told["pieces"]:
        _piece(out, piece, currency)


def _piece(out: Console, piece: PieceTold, currency: str) -> None:
    """What a payee has through an asset, and by which paths, waivers and groups."""
    name = shown(piece["title"] or piece["asset"])
    out.print(
        f"\n{percent(piece['share'])} of {name}, which is {percent(piece['value'])} of the "
        f"agreed part: {percent(piece['part'])}, {units(piece['amount'], currency)}"
    )
    for path, left_out, amount in zip(
        piece["paths"], piece["paths_left_out"], piece["path_amounts"], strict=True
    ):
        steps = [shown(step["title"] or step["id"]) for step in path]
        if left_out:
            steps.insert(len(steps) // 2, f"({left_out:,} more)")
        through = " ← ".join(steps)
        out.print(f"  {through}{f': {units(amount, currency)}' if amount else ''}")
    if piece["waived_over"]:
        over = piece["waived_over"], piece["asset"], piece["over_title"]
        out.print(f"  waived, so it went to {shown(waived_over(*over))}")
    if piece["from_waivers"] != "0":
        out.print(f"  {units(piece['from_waivers'], currency)} more of what others waived")
    for each in piece["through"]:
        group = shown(each["group"]["name"] or each["group"]["id"])
        of = f"which divided {percent(each['of'])} among its members"
        out.print(f"  {percent(each['share'])} of it through {group}, {of}")


def _table(left: Iterable[str], right: Iterable[str], *last: str) -> Table:
    """A table with the ``left`` columns, right-aligned figures, and the ``last`` columns."""
    table = Table(*left, box=None)
    for heading in right:
        table.add_column(heading, justify="right")
    for heading in last:
        table.add_column(heading, overflow="fold")
    return table


def _sums(out: Console, sums: list[tuple[str, int]], currency: str) -> None:
    table = Table(box=None, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, amount in sums:
        table.add_row(name, money(amount, currency))
    out.print(table)


def _owner(line: dict[str, Any]) -> str:
    """The payee of a balance, and whose it is now."""
    named = [line["payee"], *filter(None, [line["belongs_to"]])]
    return ", now of ".join(map(_name, named))


def _name(payee: dict[str, Any]) -> str:
    return shown(payee["name"] or "(forgotten)")
