"""Origins: from which countries the money in the books came, as entries divide and move it.

Rule: only pools whose sales state it have origins; all other money is from their country.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from domain.money.entry import RULES_BY_COUNTRY, RULES_BY_SALE, Entry, Line, read_lines
from domain.money.payout import Payout
from domain.money.policy.flow import FINE
from domain.money.postings import OWED, RESERVED
from domain.money.sourcing import Sources, countries_of, drawn, mixed, shared, without
from domain.money.state import Netted, State


class Origins(State):
    """The books, and how entries and payouts change where money in them came from."""

    _origin: Mapping[str, Fraction] = {}
    """The countries behind the revenue that the latest entry is about, for the facts that continue
    it."""
    _is_by_due = False
    """Whether these split what is exactly due, and not what it was rounded to."""
    _corrected: Mapping[str, None] = {}
    """The divisions that the latest correction is about."""
    _assigned_to: str | None = None
    """To whom the latest entry assigns what others were owed, if it does."""

    def _source(self, happened: Entry.Event) -> None:
        """Split the lines of an entry by the countries that its money is from."""
        is_now = self.opened[happened.pool].by_territory
        if is_now is None:
            return
        if isinstance(happened, Entry.First):
            rules = happened.rules or 1
            is_split = is_now or rules >= RULES_BY_COUNTRY
            self._origin = self._origin_of(happened, rules) if is_split else {}
            self._is_by_due = rules >= RULES_BY_COUNTRY
            to = happened.to if isinstance(happened, Entry.Assigned) else None
            self._assigned_to = to if is_split and rules >= RULES_BY_SALE else None
        elif isinstance(happened, Entry.Continued) and happened.anew:
            self._origin = self._origin_of_corrected()
        for line in read_lines(happened.lines):
            if self._assigned_to is not None and line.payee != self._assigned_to:
                self._assign(line, happened.proposal, self._assigned_to)
            due = line.due if self._is_by_due else Fraction(line.amount_minor)
            for country, part in shared(line.amount_minor, due, self._origin).items():
                self._came(line.payee, happened.proposal, country, part)

    def _assign(self, line: Line, agreement: str, to: str) -> None:
        """Move what is assigned with the countries that it came from."""
        key = line.payee, agreement
        units, by_country = self.accounts.get(key, {}), self.countries.get(key, {})
        owed = units.get(OWED, 0) + units.get(RESERVED, 0)
        taken = drawn(-line.amount_minor, owed, by_country)
        for country, part in taken.items():
            self._came(line.payee, agreement, country, -part)
            self._came(to, agreement, country, part)

    def _origin_of(self, happened: Entry.First, rules: int) -> Mapping[str, Fraction]:
        """By country: the sales behind the lines of an entry."""
        match happened:
            case Entry.Divided(revenue=revenue):
                return self._begin(revenue, rules)
            case Entry.Reversed(revenue=revenue):
                origin = self._taken_from(revenue, happened.against, rules)
                self._take_origin(revenue, -happened.amount_minor, origin)
                return origin
            case Entry.Redivided(revenue=revenue):
                return self._taken_from(revenue, None, rules)
            case Entry.Corrected() if rules >= RULES_BY_COUNTRY:
                return self._origin_of_corrected()
        return {}

    def _begin(self, revenue: str, rules: int) -> Mapping[str, Fraction]:
        """What a revenue that is divided came from."""
        recorded = self.revenues[revenue].recorded
        if not self.opened[recorded.pool].by_territory:
            return {}
        self.origins[revenue] = self._divided_of(revenue, rules)
        return self.origins[revenue]

    def _divided_of(self, revenue: str, rules: int) -> dict[str, Fraction]:
        """By country: the sales of a revenue, less what was taken of it before it was divided."""
        found = self._countries_of(revenue, rules)
        for each in self.netted.get(revenue, ()) if rules >= RULES_BY_SALE else ():
            taken = self._countries_of(each.against, rules)
            found = without(found, each.left_minor, taken, each.amount_minor)
        return found

    def _taken_from(self, revenue: str, short: str | None, rules: int) -> Mapping[str, Fraction]:
        """By country: what is taken back of a revenue, for negative revenue if so stated."""
        known = self.revenues[revenue]
        by_sale = rules >= RULES_BY_SALE and self.opened[known.recorded.pool].by_territory
        if short is not None and by_sale and (found := self._countries_of(short, rules)):
            return found
        if rules >= RULES_BY_COUNTRY:
            return self.origins.get(revenue, {})
        return self._divided_of(revenue, self.divisions[known.division or ""].rules)

    def _take_origin(self, revenue: str, units: int, origin: Mapping[str, Fraction]) -> None:
        """Take units from what is left of a revenue by country; it was reversed already."""
        left_minor, found = self.revenues[revenue].left_minor, self.origins.pop(revenue, {})
        if left_minor:
            left = without(found, left_minor + units, origin, units)
            fine = {country: round(part * FINE) for country, part in left.items()}
            self.origins[revenue] = {
                country: Fraction(part, FINE) for country, part in fine.items() if part
            }

    def _origin_of_corrected(self) -> Mapping[str, Fraction]:
        """By country: what is left of the divisions that were corrected, each weighing as much as
        goes by the agreed shares, or is left at all if nothing does."""
        corrected = map(self.divisions.__getitem__, self._corrected)
        weights = {each.revenue: each.agreed for each in corrected}
        self.fetch((self.origins, weights))
        if not any(weights.values()):
            weights = {of: Fraction(self.revenues[of].left_minor) for of in weights}
        return mixed(
            (self.origins.get(of, {}), weight) for of, weight in weights.items() if weight > 0
        )

    def _countries_of(self, revenue: str, rules: int) -> dict[str, Fraction]:
        recorded = self.revenues[revenue].recorded
        return countries_of(recorded.sold, recorded.amount_minor, rules)

    def _net(self, revenue: str, against: str, amount_minor: int) -> None:
        """Note what negative revenue takes of a revenue that is not divided yet."""
        taken = Netted(against, amount_minor, self.revenues[revenue].left_minor)
        self.netted[revenue] = (*self.netted.get(revenue, ()), taken)

    def _draw(self, happened: Payout.Event, sources: Sources, sign: int) -> None:
        for index, country, units in sources:
            payee, agreement, *_ = happened.parts[int(index)]
            self._came(str(payee), str(agreement), str(country), sign * int(units))

    def _came(self, payee: str, agreement: str, country: str, units: int) -> None:
        known = self.countries.get((payee, agreement), {})
        self.countries[payee, agreement] = known | {country: known.get(country, 0) + units}
