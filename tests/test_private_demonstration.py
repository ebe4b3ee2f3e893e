"""Nothing of the demonstration's money is shown to those whom it does not concern.

What must not be seen is read from the facts themselves: the amounts and texts of every fact that is
not for everyone.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from serving import Served, serving
from test_private import every_get, every_page

from domain.fact import Fact
from domain.nouns import BORN
from domain.readers import EVERYONE
from scripts import demonstration
from scripts.settings import Settings

OF_EACH = 2
"""How many things of each kind are asked for."""
MOST_PAGES = 40
LEAST_MINOR = 10_000
"""Shorter numbers are positions, years and places in pictures, too."""
NOUNS = {"work": "works", "contribution": "contributions", "release": "releases"}
NOUNS |= {"contributor": "contributors", "credit": "credits", "remix": "remixes", "pool": "pools"}
NOUNS |= {"proposal": "proposals", "revenue": "revenue", "expense": "expenses"}
NOUNS |= {"entry": "entries", "payout": "payouts", "batch": "payout-batches"}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("demo")
    database = f"sqlite:///{folder / 'stemma.db'}"
    with serving(database, public_pages=True) as served:
        demonstration.load(served.service, Settings(database=database, data=folder))
        served.service.log.catch_up()
        yield served


def amounts_in(value: Any) -> Iterator[int]:
    match value:
        case bool():
            return
        case int() if abs(value) >= LEAST_MINOR:
            yield abs(value)
        case list():
            for each in value:
                yield from amounts_in(each)


AMOUNT = re.compile(r"(?<![\w.,])(?:\d{5,}|\d{1,3}(?:,\d{3})*\.\d\d)(?!\w)")


class Secrets(NamedTuple):
    """What is only for some: amounts as they are written, and texts."""

    amounts: set[str]
    texts: set[str]

    def within(self, answer: str) -> set[str]:
        """Those that an answer holds."""
        return {one for one in self.texts if one in answer} | (
            self.amounts.intersection(AMOUNT.findall(answer))
        )


def hidden(facts: list[Fact], served: Served) -> Secrets:
    """The amounts and texts of facts that are not for everyone."""
    of_money = [each for each in facts if each.READERS != EVERYONE]
    fields = [vars(each) for each in of_money]
    found = {number for each in fields for value in each.values() for number in amounts_in(value)}
    sealed = {vars(each).get(name) for each in of_money for name in each.SEALED}
    with served.service.store.view() as view:
        texts = view.texts({each for each in sealed if each})
    amounts = {text for one in found for text in (str(one), f"{one / 100:,.2f}")}
    return Secrets(amounts, {text for text in texts.values() if len(text) > 5})


def test_what_the_demonstration_earns_is_not_shown_to_strangers(demo: Served) -> None:
    facts = [placed.fact() for placed in demo.service.journal.read()]
    secrets = hidden(facts, demo)
    assert min(map(len, secrets)) > 10
    ids: dict[str, list[str]] = defaultdict(list)
    for each in facts:
        place = NOUNS.get(BORN[type(each)].NAME) if type(each) in BORN else None
        if place and len(ids[place]) < OF_EACH:
            ids[place].append(each.originator_id)
    payee = ids["contributors"][0]
    stranger = demo.acting(demo.admit("Eve"))

    def scan(client: Any) -> dict[str, str]:
        paths = [path for path in every_get(demo, ids, payee) if "png" not in path]
        pages = every_page(ids, lambda path: client.get(path).text, MOST_PAGES)
        return {**{path: client.get(path).text for path in paths}, **dict(pages)}

    for name, client in (("nobody", demo.client(None)), ("a stranger", stranger)):
        found = scan(client)
        assert len(found) > 80
        for path, text in found.items():
            seen = secrets.within(text)
            assert not seen, (name, path, seen)
    # The scan finds them where they may be read.
    (pool, *_), shown = ids["pools"], set()
    for path in (f"/pools/{pool}/ledger", f"/pools/{pool}/statement", "/payouts"):
        shown |= secrets.within(demo.operator.get(path).text)
    assert len(shown) > 10
