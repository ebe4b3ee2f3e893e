"""A projection is shown every kind of fact that it has a case for, and is spared the others."""

import ast
import inspect
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from domain.fact import FACTS, Fact
from domain.money import postings
from projections.folding import PROJECTIONS
from projections.money.rows import MONEY
from projections.tables import Projection


def kinds_with_a_case(module: ModuleType) -> Iterator[type[Fact]]:
    """The classes of facts that any match statement of a module names."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.MatchClass):
            named = eval(ast.unparse(node.cls), vars(module))
            if isinstance(named, type) and issubclass(named, Fact):
                yield named


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda one: str(one.name))
def test_a_projection_is_shown_all_it_has_a_case_for(projection: Projection) -> None:
    modules = [sys.modules[projection.changes.__module__]]
    modules += [sys.modules[postings.postings.__module__]] * (projection is MONEY)
    named = [kind for module in modules for kind in kinds_with_a_case(module)]
    assert named or projection.about == (Fact,)
    missed = {
        topic
        for topic, kind in FACTS.items()
        if issubclass(kind, tuple(named)) and not issubclass(kind, projection.about)
    }
    assert not missed


def test_most_facts_are_shown_to_few_projections() -> None:
    concerned = [one.name for one in PROJECTIONS if issubclass(FACTS["remix.declared"], one.about)]
    assert MONEY.name not in concerned
    assert {"lineage", "history"} <= set(concerned)
