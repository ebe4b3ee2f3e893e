"""The errors of a form, each with the input that it is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from api.problems import Problem, listed

Wrong = list[tuple[str, str]]
"""Errors: the id of an input (“” if none), and what is wrong there."""


def by_field(problem: Problem | None, sent: Mapping[str, str], labels: Mapping[str, str]) -> Wrong:
    """The errors of a problem by field, in the order of the form; those of no field are last."""
    if problem is None:
        return []
    found = [*_listed(problem)] or [*_with_value(problem, {n: sent.get(n, "") for n in labels})]
    order = [*labels]
    known = [(name, said) for name, said in found if name in labels]
    known.sort(key=lambda one: order.index(one[0]))
    others = [("", said) for name, said in found if name not in labels]
    # A refusal may name its field, but not as the form does.
    told = [(n, f"{labels[n]}: {said.removeprefix(f'{n}: ')}") for n, said in known]
    return told + others


def problem_at(name: str, code: str, detail: str) -> Problem:
    """A problem with one field of a form."""
    error = {"pointer": f"#/{name}", "detail": detail, "code": code}
    return Problem(code, detail, members=listed([error]))


def at(ids: Mapping[str, str], wrong: Wrong) -> Wrong:
    """Errors with the ids of inputs that are not the names of their fields."""
    return [(ids.get(name, name), said) for name, said in wrong]


def _listed(problem: Problem) -> Iterator[tuple[str, str]]:
    """The errors that a problem lists: the field of each, and its text after the place inside."""
    for error in problem.errors:
        name, *inside = error["pointer"].removeprefix("#/").split("/")
        rows = [str(int(step) + 1) if step.isdecimal() else step for step in inside]
        yield name, f"{', '.join(rows)}: {error['detail']}" if rows else error["detail"]


def _with_value(problem: Problem, sent: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The error of a refusal, which carries the refused value, at each field with that value."""
    told, quoted = str(problem.description), problem.quoted
    yield from ((name, told) for name, value in sent.items() if value in quoted)
