"""Projects: what each is to become, who leads it, its steps, and which pieces are in them.

A piece is in one step at a time; closed rows tell where it was before.

Tables, rows and questions are in one file because they share the columns.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Annotated, Any, NamedTuple, Unpack

from domain.fact import Fact
from domain.moment import instant
from domain.project import Placement, Project, Step
from domain.refusal import UnknownProject
from domain.value import Example, Flag
from domain.values import ContributionId, ContributorId, ProjectId, StepId
from projections import contributors, lineage
from projections.finding import (
    REMIX_COUNTS,
    Order,
    Reverse,
    TextFilter,
    beginning,
    in_order,
    sort_of,
)
from projections.pages import Page
from projections.question import Paged, Search, question
from projections.store import View, holds, told_rows, wanted
from projections.tables import (
    Amend,
    Change,
    Numbers,
    Projection,
    Put,
    born,
    facts_about,
    row_of,
    rows_in,
    table,
)
from projections.told_projects import (
    InStep,
    KindOfProject,
    Membership,
    ProjectItem,
    ProjectRef,
    ProjectState,
    ProjectTold,
    StepRef,
    StepTold,
    UpdateTold,
)


class ProjectRow(NamedTuple):
    """A project as it is in the read table."""

    number: int
    id: str
    state: str
    title: str | None
    goal: str | None
    kind: str
    kind_name: str | None
    leaders: str
    outcome: str | None
    reason: str | None
    release: int | None
    born: int
    launched_at: str
    closed_at: str | None
    updated: int


PROJECTS = table(
    "projects",
    ProjectRow,
    ("number", "id"),
    key="number",
)
STEPS = table(
    "steps",
    "id TEXT, project BIGINT, title TEXT NULL, text TEXT NULL, born BIGINT",
    ("id", "project"),
    key="id",
)
UPDATES = table(
    "updates",
    "project BIGINT, position BIGINT, text TEXT, actor TEXT, recorded_at TEXT",
    ("project, position",),
)
PLACEMENTS = table(
    "placements",
    "id TEXT, work BIGINT, project BIGINT, step TEXT, state TEXT, actor TEXT, put BIGINT, "
    "own_work BIGINT",
    ("id", "project", "step", "work"),
    key="id",
)


def changes(position: int, happened: Fact, numbers: Numbers) -> Iterator[Change]:
    """What this fact changes about projects, their steps and the pieces in them."""
    match happened:
        case Project.Launched(originator_id=id, leaders=leaders):
            at: dict[str, Any] = {"number": numbers[id], "born": position, "updated": position}
            at |= {"leaders": " ".join(leaders), "launched_at": instant(happened.timestamp)}
            yield born(PROJECTS, happened, **at)
        case Project.Described(originator_id=id):
            said = happened.stated("title", "goal", "kind", "kind_name")
            yield Amend(PROJECTS, numbers[id], said)
        case Project.LeaderAssigned(leaders=leaders) | Project.LeaderRemoved(leaders=leaders):
            number = numbers[happened.originator_id]
            yield Amend(PROJECTS, number, {"leaders": " ".join(leaders)})
        case Project.Updated(originator_id=id, text=text):
            told = (numbers[id], position, text, happened.actor, instant(happened.timestamp))
            yield Put(UPDATES, told)
            yield Amend(PROJECTS, numbers[id], {"updated": position})
        case Project.Closed(originator_id=id, outcome=outcome, release=release):
            ended = {"outcome": outcome, "release": numbers[release] if release else None}
            ended |= {"closed_at": instant(happened.timestamp), "reason": happened.reason}
            yield Amend(PROJECTS, numbers[id], {"state": happened.STATE, **ended})
        case Project.Reopened(originator_id=id):
            ended = dict.fromkeys(("outcome", "release", "closed_at", "reason"))
            yield Amend(PROJECTS, numbers[id], {"state": happened.STATE, **ended})
        case Step.Published(project=project):
            yield born(STEPS, happened, project=numbers[project], born=position)
        case Step.Described(originator_id=id):
            yield Amend(STEPS, id, happened.stated("title", "text"))
        case Placement.Event():
            yield from _placed(position, happened, numbers)


def _placed(position: int, happened: Placement.Event, numbers: Numbers) -> Iterator[Change]:
    if happened.originator_version > 1:
        said: dict[str, Any] = {"state": happened.leaves, "actor": happened.actor}
        if isinstance(happened, Placement.Made):
            said |= {"project": numbers[happened.project], "step": happened.step, "put": position}
        yield Amend(PLACEMENTS, happened.originator_id, said)
        return
    at = {"work": numbers.node(happened.work), "own_work": numbers[happened.work]}
    yield born(PLACEMENTS, happened, **at, project=numbers[happened.project], put=position)


PROJECTING = Projection(
    "projects",
    (PROJECTS, STEPS, UPDATES, PLACEMENTS),
    changes,
    facts_about(Project, Step, Placement),
)

# -- answers -------------------------------------------------------------------------------

_HERE = f"s.state = '{Placement.Made.STATE}' AND {holds('s')}"
"""The condition that a placement stands."""
UNUSED = f"NOT EXISTS (SELECT 1 FROM @remixes e WHERE e.parent = {{}} AND {REMIX_COUNTS})"
"""The condition that nothing was made from a work yet; its number goes into the braces."""
STANDS = "SELECT w.number FROM @works w WHERE w.state <> 'withdrawn' AND " + holds("w")
"""A query for the works that were not withdrawn."""


_PROJECT = PROJECTS.selected("p")

PROJECT_ORDERS = {
    "launched": Order("", int, True, "the latest launched first"),
    "updated": Order("p.updated", int, True, "the latest with news first"),
    "title": Order(
        beginning("(SELECT v.folded FROM vault v WHERE v.digest = p.title)"),
        str,
        False,
        "by title",
    ),
    "pieces": Order(
        f"(SELECT count(*) FROM @placements s WHERE s.project = p.number AND {_HERE})",
        int,
        True,
        "those with the most pieces first",
    ),
}
SortOfProjects = Annotated[str, sort_of(PROJECT_ORDERS, "launched")]


@question("list_projects", "/projects", cli="project list")
def projects(
    view: View,
    *,
    q: Annotated[
        Search | None, "In the title or the goal; case and accents do not matter.", Example("tide")
    ] = None,
    kind: Annotated[KindOfProject | None, "Of this kind."] = None,
    state: Annotated[ProjectState | None, "In this state."] = None,
    leader: Annotated[ContributorId | None, "Led by this person."] = None,
    work: Annotated[ContributionId | None, "With this piece in one of its steps."] = None,
    sort: SortOfProjects = "launched",
    reverse: Reverse = False,
    **part: Unpack[Paged],
) -> Page[ProjectItem]:
    """Find projects that match every filter, the latest launched first."""
    where, said = wanted({"p.kind = :kind": kind, "p.state = :state": state}, holds("p"))
    if q is not None:
        texts = TextFilter.containing(view, "q", q)
        where += f" AND ({texts.held_by('p.title')} OR {texts.held_by('p.goal')})"
        said |= texts.values
    if leader is not None:
        own = ids_of(view, leader)
        where += f" AND ({' OR '.join(f'p.leaders LIKE :led{n}' for n in range(len(own)))})"
        said |= {f"led{n}": f"%{id}%" for n, id in enumerate(own)}
    if work is not None:
        where += (
            " AND p.number IN (SELECT s.project FROM @placements s JOIN @works w "
            f"ON w.number = s.own_work AND {holds('w')} WHERE w.id = :work AND {_HERE})"
        )
        said["work"] = work
    source, order = f"@projects p WHERE {where}", PROJECT_ORDERS[sort]
    rows, more = in_order(view, _PROJECT, source, order, **part, reverse=reverse, **said)
    return Page(list(_items(view, [ProjectRow(*row) for row in rows])), more)


def ids_of(view: View, person: str) -> list[str]:
    """The ids of all accounts of a person; the id itself if nobody has it."""
    if not view.numbers("contributors", [person]):
        return [person]
    return contributors.account_ids(view, person)


def led_by(view: View, ids: Collection[str]) -> list[int]:
    """The numbers of the projects that any of these accounts leads."""
    led = {f"led{n}": f"%{id}%" for n, id in enumerate(sorted(ids))}
    any_of = " OR ".join(f"p.leaders LIKE :{name}" for name in led)
    sql = f"SELECT p.number FROM @projects p WHERE {holds('p')} AND ({any_of or '1 = 0'})"
    return [number for (number,) in view.rows(sql, **led)]


def _items(view: View, rows: Collection[ProjectRow]) -> Iterator[ProjectItem]:
    texts = view.texts({text for row in rows for text in (row.title, row.goal, row.kind_name)})
    leaders = _leaders(view, rows)
    pieces = _counted(view, [row.number for row in rows])
    for row in rows:
        yield {
            **_reference(row, texts),
            "goal": texts.get(row.goal),
            "kind": row.kind,
            "kind_name": texts.get(row.kind_name),
            "leaders": leaders[row.id],
            "pieces": pieces.get(row.number, 0),
            "launched_at": row.launched_at,
            "position": row.born,
        }


def _reference(row: ProjectRow, texts: Mapping[str | None, str]) -> ProjectRef:
    return {"id": row.id, "title": texts.get(row.title), "state": row.state}


def _leaders(view: View, rows: Iterable[ProjectRow]) -> dict[str, list[Any]]:
    """By project: who leads it, after all merges."""
    led = {row.id: row.leaders.split() for row in rows}
    people = contributors.people_with(view, {id for ids in led.values() for id in ids})
    return {
        project: [*{people[id]["id"]: people[id] for id in ids}.values()]
        for project, ids in led.items()
    }


def _counted(view: View, projects: Collection[int]) -> dict[int, int]:
    rows = view.rows(
        f"SELECT s.project, count(*) FROM @placements s WHERE s.project IN :projects AND {_HERE} "
        "GROUP BY s.project",
        projects=list(projects),
    )
    return dict(rows)


def find(view: View, id: str) -> ProjectRow:
    """The project with this id; raises UnknownProject."""
    return row_of(view, PROJECTS, ProjectRow, id, UnknownProject)


@question("show_project", "/projects/{id}", cli="project show", parts=("leaders", "steps"))
def project(view: View, id: ProjectId) -> ProjectTold:
    """One project: its goal, its leaders, its steps, and its outcome."""
    row = find(view, id)
    (item,) = _items(view, [row])
    steps = _steps(view, row.number)
    closed = None
    if row.closed_at is not None:
        release = row.release and lineage.references(view, [row.release])[row.release]
        closed = {
            "outcome": row.outcome,
            "release": release or None,
            "reason": view.texts({row.reason}).get(row.reason),
            "at": row.closed_at,
        }
    return {**item, "steps": steps, "closed": closed}  # type: ignore[typeddict-item]


def _steps(view: View, project: int) -> list[StepTold]:
    rows = view.rows(
        "SELECT t.id, t.title, t.text, (SELECT count(*) FROM @placements s "
        f"WHERE s.step = t.id AND {_HERE}), t.born FROM @steps t "
        f"WHERE t.project = :project AND {holds('t')} ORDER BY t.born",
        project=project,
    )
    texts = view.texts({text for row in rows for text in row[1:3]})
    return told_rows(StepTold, rows, title=texts, text=texts)


@question("list_project_pieces", "/projects/{id}/contributions", cli="project pieces")
def pieces(
    view: View,
    id: ProjectId,
    *,
    step: Annotated[StepId | None, "In this step."] = None,
    unused: Annotated[bool, Flag(help="Only those from which nothing has been made yet.")] = False,
    **part: Unpack[Paged],
) -> Page[InStep]:
    """The pieces in a project, the latest added first; withdrawn ones are marked."""
    filters = {"s.project = :project": find(view, id).number, "s.step = :step": step}
    where, said = wanted(filters, _HERE, "s.put < :beyond")
    if unused:
        where += f" AND {UNUSED.format('s.work')} AND s.own_work IN ({STANDS})"
    page, more = view.page(
        "SELECT s.own_work, s.step, s.actor, s.own_work, s.put FROM @placements s "
        f"WHERE {where} ORDER BY s.put DESC",
        **part,
        first=1 << 62,
        **said,
    )
    works = lineage.references(view, [row[0] for row in page])
    remixed = lineage.remix_counts(view, [row[0] for row in page])
    return Page(told_rows(InStep, page, work=works, remixed_by=remixed), more)


@question("list_project_updates", "/projects/{id}/updates", cli="project updates")
def updates(view: View, id: ProjectId, **part: Unpack[Paged]) -> Page[UpdateTold]:
    """The updates that a project's leaders posted, the latest first."""
    page, more = view.page(
        "SELECT u.text, u.actor, u.recorded_at, u.position FROM @updates u "
        "WHERE u.project = :project AND u.position < :beyond AND u.position <= :as_of "
        "ORDER BY u.position DESC",
        **part,
        first=1 << 62,
        project=find(view, id).number,
    )
    texts = view.texts({row[0] for row in page})
    return Page(told_rows(UpdateTold, page, text=texts), more)


def of_work(view: View, work: int) -> Membership | None:
    """The project and the step that a piece is in, if any."""
    row = view.one(
        f"SELECT s.project, s.step FROM @placements s WHERE s.own_work = :work AND {_HERE}",
        work=work,
    )
    if row is None:
        return None
    found = references(view, [row[0]])[row[0]]
    step = next(one for one in _steps(view, row[0]) if one["id"] == row[1])
    return {"project": found, "step": {"id": step["id"], "title": step["title"]}}


def steps_named(view: View, ids: Collection[str]) -> dict[str, StepRef]:
    """How answers refer to these steps, by id."""
    rows = view.rows_for(
        f"SELECT t.id, t.title FROM @steps t WHERE t.id IN :ids AND {holds('t')}", ids=sorted(ids)
    )
    texts = view.texts({title for _, title in rows})
    return {id: {"id": id, "title": texts.get(title)} for id, title in rows}


def of_step(view: View, id: str | None) -> str | None:
    """The id of the project of a step; None if there is no such step."""
    row = view.one(
        f"SELECT p.id FROM @steps t JOIN @projects p ON p.number = t.project AND {holds('p')} "
        f"WHERE t.id = :id AND {holds('t')}",
        id=id or "",
    )
    return None if row is None else str(row[0])


def references(view: View, numbers: Iterable[int]) -> dict[int, ProjectRef]:
    """How answers refer to the projects with these numbers."""
    found = rows_in(view, PROJECTS, ProjectRow, "t.number IN :numbers", numbers=list(numbers))
    texts = view.texts({row.title for row in found})
    return {row.number: _reference(row, texts) for row in found}
