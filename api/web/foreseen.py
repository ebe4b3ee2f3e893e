"""Previews of commands that join accounts or works, separate them again, or erase texts.

They are computed from what is known now, before anything is recorded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from markupsafe import Markup

from api.web import words
from domain.command import Command
from domain.commands.admitting import MergeContributor, SeparateContributor
from domain.commands.forgetting import ForgetContributor
from domain.commands.joining import AcceptJoin, JoinWorks, UndoJoin
from domain.commands.naming import RenameContributor
from domain.commands.submitting import WithdrawContribution
from domain.money.currency import money
from domain.outside import outside_id
from projections import around, attribution, contributors, lineage, people, timeline, wording
from projections.store import View

IRREVERSIBLE = "This cannot be undone."


def foreseen(view: View, command: Command) -> list[Markup]:
    """What a command would change, as sentences; none if it has no preview."""
    tell = PREVIEWED.get(type(command))
    return [] if tell is None else list(tell(view, command))


def _merged(view: View, command: Any) -> Iterator[Markup]:
    names = timeline.names(view, [command.id, command.into])
    old, new = words.link(names[command.id]), words.link(names[command.into])
    if old.striptags() == new.striptags():
        old = Markup("{} (…{})").format(old, command.id[-6:])
    yield Markup("From now on, {} and {} are one person, called {}.").format(old, new, new)
    yield from _of_account(view, command.id, old, new)
    yield Markup("Every key of {} keeps working, for that account.").format(old)
    yield Markup("This can be undone: what each did stays on record under the account that did it.")


def _parted(view: View, command: Any) -> Iterator[Markup]:
    names = timeline.names(view, [command.id])
    old = words.link(names[command.id])
    yield Markup("{} is a separate person again.").format(old)
    yield from _of_account(view, command.id, old, old)
    yield Markup("What was paid in the meantime stays paid.")


def _of_account(view: View, id: str, old: Markup, new: Markup) -> Iterator[Markup]:
    """What belongs to an account, which its new person takes over."""
    has, several = people.holdings(view, id), wording.several
    if has.credits:
        yield Markup("{} on {}, given to {}, will belong to {}.").format(
            several(has.credits, "credit"), several(has.works, "work"), old, new
        )
    if has.posted:
        yield Markup("{} posted by {}: {} will speak for them.").format(
            several(has.posted, "work"), old, new
        )
    for currency, units in sorted(has.owed.items()):
        yield Markup("{} is owed to {}, and will be paid to {}.").format(
            money(units, currency), old, new
        )


def _forgotten(view: View, command: Any) -> Iterator[Markup]:
    accounts = contributors.account_ids(view, command.id)
    has, several = [people.holdings(view, id) for id in accounts], wording.several
    who = words.link(timeline.names(view, [command.id])[command.id])
    yield Markup("{} will have no name, not even in answers about the past.").format(who)
    if len(accounts) > 1:
        yield Markup("They have {}: all of them are erased.").format(
            several(len(accounts), "account")
        )
    if credits := sum(one.credits for one in has):
        yield Markup("{} will stay, without a name.").format(several(credits, "credit"))
    if posted := sum(one.posted for one in has):
        yield Markup("{} that they posted will have no title.").format(several(posted, "work"))
    for currency, units in sorted(sum((Counter(one.owed) for one in has), Counter()).items()):
        yield Markup("{} is owed to them, and will be held.").format(money(units, currency))
    yield Markup(IRREVERSIBLE)


def _renamed(view: View, command: Any) -> Iterator[Markup]:
    old = words.link(timeline.names(view, [command.id])[command.id])
    yield Markup("From now on, {} is called {}.").format(old, command.name)
    if command.former == "kept":
        yield Markup("The former name stays on record, and is shown as such.")
    else:
        yield Markup("The former name is erased, also from answers about the past.")
        yield Markup("So is every wording on credits that contains it.")
        yield Markup(IRREVERSIBLE)


def _withdrawn(view: View, command: Any) -> Iterator[Markup]:
    (one,) = timeline.names(view, [command.id]).values()
    yield Markup("{} will have no title, not even in answers about the past.").format(
        words.link(one)
    )
    yield _has(view, one) + "."
    yield Markup("These stay, and so does what it earns for others.")
    yield Markup(IRREVERSIBLE)


def _joined(view: View, command: Any) -> Iterator[Markup]:
    work = command.work or outside_id(command.uri)
    yield from _of_works(view, work, command.into)
    yield Markup("If you posted only one of them, the poster of the other is asked first.")


def _accepted(view: View, command: Any) -> Iterator[Markup]:
    join = around.join(view, command.id)
    yield from _of_works(view, join["work"]["id"], join["into"]["id"])


def _undone(view: View, command: Any) -> Iterator[Markup]:
    join = around.join(view, command.id)
    both = Markup(" and ").join(map(words.link, (join["work"], join["into"])))
    yield Markup("{} are two works again.").format(both)
    yield Markup("What was stated about either applies to that one alone.")


def _of_works(view: View, work: str, into: str) -> Iterator[Markup]:
    names = timeline.names(view, [work, into])
    known = [names[id] for id in (work, into) if id in names]
    both = Markup(" and ").join(map(words.link, known))
    yield Markup("From now on, {} are one work.").format(both)
    for one in known:
        yield _of_work(view, one)


def _of_work(view: View, one: Mapping[str, Any]) -> Markup:
    return Markup("{}: all of these are of the one.").format(_has(view, one))


def _has(view: View, one: Mapping[str, Any]) -> Markup:
    """What a work has, as the beginning of a sentence."""
    told = around.work(view, one["id"])
    credits = attribution.standing_on(view, lineage.find(view, one["id"]).number)
    return Markup("{} has {}, {} and {} made from it").format(
        words.link(one),
        wording.several(len(told["sources"]) + told["sources_left_out"], "source"),
        wording.several(len(credits), "credit"),
        wording.several(told["remixed_by"], "work"),
    )


PREVIEWED: Mapping[type[Command], Callable[[View, Any], Iterator[Markup]]] = {
    MergeContributor: _merged,
    SeparateContributor: _parted,
    ForgetContributor: _forgotten,
    RenameContributor: _renamed,
    WithdrawContribution: _withdrawn,
    JoinWorks: _joined,
    AcceptJoin: _accepted,
    UndoJoin: _undone,
}
