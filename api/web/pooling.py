"""The form that opens a pool for a release: terms from a template, with a preview of who gets what.

Terms are recorded only as a preview has shown them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import render_template, request

from api import percentages
from api.problems import Problem, listed, of_refusal
from api.schemas import stated
from api.web import amounts, errors
from api.web.address import form_id
from api.web.choosing import Names
from api.web.frame import Answer, Frame, account, reader
from api.web.previewing import Foreseen, tried
from api.web.terms import ARTISTS, TEMPLATES, Blank, Template, given
from domain.money.apportionment import payee_key
from domain.money.currency import currency_code
from domain.money.pool import POOL_KINDS
from domain.money.proposing import OpenPool
from domain.refusal import Refusal
from projections import around, attribution, contributors, hidden, lineage, sentences, timeline
from projections.money import pools
from projections.money.splitting import lineage_at
from projections.store import View

FIELDS = {"name": "Name", "kind": "What it is for", "currency": "Currency"}
OF = "1000"
"""The amount that the preview divides unless another is typed, in any currency."""


class People(Names):
    """The people of a release by name, as its terms may refer to them."""

    def __init__(self, view: View, release: str) -> None:
        over = lineage_at(view, lineage.find(view, release).number)
        super().__init__(over.labels(view, payees=over.people))
        self.works = timeline.names(view, over.lineage.generation)
        held = {payee for holders in over.lineage.held.values() for payee, _ in holders}
        self.uncredited = held - over.people.keys()
        """The works that are payees themselves, since nobody is credited on them."""
        veiled = not hidden.positions(view).keys().isdisjoint(self.told)
        on = view.numbers("works", self.works).values() if veiled else ()
        self.owners = attribution.owners(view, [*on]) if veiled else {}
        """By the id of a hidden credit: the person who is paid for it."""
        # Each person once: under their name or, if all of their credits are hidden, under one.
        hidden_first = sorted(self.told, key=lambda id: id not in self.owners)
        once = {self.paid(id): id for id in hidden_first}.values()
        self.told = {id: name for id, name in self.told.items() if id in once}
        self.credited = tuple(self.told)
        if own := account(view):
            self.told.setdefault(own, contributors.person(view, own)["name"])

    def called(self, id: str) -> str:
        """The name of a payee; for a work that is a payee, “the makers of …”."""
        if id in self.told or id in self.owners.values():  # also without a name
            return sentences.called({"id": id, "name": self.told.get(id)})
        work = self.works.get(id.removeprefix("work/"))
        if work is None:
            return id
        makers = f"the makers of {sentences.called(work)}"
        return f"{makers}, on which nobody is credited yet" if id in self.uncredited else makers

    def paid(self, id: str) -> str:
        """Who is paid for a payee in the form: the person, where it stands for a hidden credit."""
        return self.owners.get(id, id)


class TypedTerms:
    """A template of terms, what was typed into its blanks, and what is wrong there."""

    def __init__(self, form: Mapping[str, str], people: People, currency: str) -> None:
        self.name = form.get("template", "") if form.get("template") in TEMPLATES else "agreed"
        self.typed = {one.name: form.get(f"blank-{one.name}", "").strip() for one in self.blanks}
        self.of = form.get("of", "").strip() or OF
        self.wrong: errors.Wrong = []
        self.filled: dict[str, Any] = {}
        for one in self.blanks:
            try:
                self.filled[one.name] = self._read(one, people, currency)
            except (Problem, Refusal) as refusal:
                said = of_refusal(refusal).description or ""
                self.wrong.append((f"blank-{one.name}", f"{one.label}: {said}"))

    @property
    def template(self) -> Template:
        return TEMPLATES[self.name]

    @property
    def blanks(self) -> tuple[Blank, ...]:
        """The blanks to fill in."""
        return self.template.blanks

    def _read(self, one: Blank, people: People, currency: str) -> Any:
        text = self.typed[one.name]
        if not text:
            raise Problem("missing_field", "This is required.")
        match one.kind:
            case "percent":
                return percentages.part(text)
            case "amount":
                return amounts.exact(text, currency_code(currency))
            case "payees":
                return [people.meant(line) for line in text.splitlines() if line.strip()]
        return people.meant(text)

    def made(self) -> dict[str, Any]:
        """The terms; empty while a blank is wrong."""
        return {} if self.wrong else self.template.make(self.filled)

    def must_be_right(self) -> None:
        """Refuse (``bad_policy``) if a blank is wrong."""
        if self.wrong:
            raise Problem("bad_policy", self.wrong[0][1], members=listed([]))


class OpeningForm:
    """What was typed into the form."""

    def __init__(self, form: Mapping[str, str], people: People) -> None:
        self.id = form_id()
        self.fields = {name: form.get(name, "").strip() for name in FIELDS}
        self.fields["kind"] = self.fields["kind"] or "other"
        self.fields["currency"] = self.fields["currency"].upper()
        self.terms = TypedTerms(form, people, self.fields["currency"])

    def command(self, release: str) -> OpenPool:
        """The command in the form; raises a problem with the errors in it."""
        said: dict[str, Any] = {name: text for name, text in self.fields.items() if text}
        said["terms"] = self.terms.made()
        command = stated(OpenPool, {**said, "release": release, "id": self.id})
        currency_code(self.fields["currency"])
        self.terms.must_be_right()
        assert isinstance(command, OpenPool)
        return command


def pages(frame: Frame) -> None:
    """The form that opens a pool."""

    @frame.filled("/release/<id>/pool", "show_opening", "take_pool")
    def open_(view: View, do: str, id: str) -> Answer:
        people = People(view, id)
        sent = request.form if request.method == "POST" else request.args
        entered = OpeningForm(sent.to_dict(), people)
        others = pools.pools(view, frame.journal, id, actor=reader()).items

        def lines(pool: OpenPool, _: object) -> dict[str, Any]:
            beside = {"beside": [one["id"] for one in others]}
            return lines_of(entered.terms, [pool.terms], str(pool.currency), people) | beside

        def page(shown: Any, beside: Foreseen, problem: Problem | None) -> str:
            return render_template(
                "open_pool.html",
                release=around.work(view, id),
                others=others,
                entered=entered,
                terms=entered.terms,
                beside=beside,
                templates=TEMPLATES,
                kinds=POOL_KINDS,
                people=people.offered,
                lines=shown,
                problem=problem,
                wrong=wrong(problem, entered.fields, FIELDS, entered.terms),
            )

        return tried(frame, do, lambda: entered.command(id), lines, page, "/pool/{}".format)


def wrong(
    problem: Problem | None, sent: Mapping[str, str], fields: Mapping[str, str], terms: TypedTerms
) -> errors.Wrong:
    """The errors in the fields, among them the amount to preview, and in the blanks."""
    if problem is None:
        return []
    labels = {**fields, "of": "An amount to preview"}
    found = errors.by_field(problem, {**sent, "of": terms.of}, labels)
    return [one for one in found if one[0]] + terms.wrong


def lines_of(
    terms: TypedTerms, every: Sequence[Mapping[str, Any]], currency: str, people: People
) -> dict[str, Any]:
    """What each payee gets of the previewed amount under each of these terms.

    Payees are ordered by what the last terms give them, the largest amount first.
    """
    amount = amounts.exact(terms.of, currency)
    gives = [given(one, amount, terms.filled.get("artist")) for one in every]
    last = gives[-1]
    payees = {payee: None for one in gives for payee in one}
    ordered = sorted(payees, key=lambda payee: (-last.get(payee, 0), payee_key(payee)))
    return {
        "amount_minor": amount,
        "currency": currency,
        "payees": [
            (people.called(payee), *(one.get(payee, 0) for one in gives)) for payee in ordered
        ],
        "agreed": ARTISTS in last,
    }
