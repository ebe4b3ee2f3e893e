"""The table of who may what, tested whole: every route and page, tried by everybody.

What the declarations allow is compared with what the running service answers, and both with sets
that are written down here by hand, so that a wrong declaration is found as well.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from uuid import uuid4

import pytest
from clocks import AheadClock
from databases import Postgres
from serving import OPERATOR_KEY, Served, serving
from test_pages import reader

from api.document import operations
from domain.command import Command
from domain.identity import part_id
from domain.money.keeping import division_id
from domain.permission import ANYONE, OPERATOR
from domain.registry import BY_OPERATION, COMMANDS
from domain.value import NewId, Ref

PEOPLE = {
    "ana": "posted the song, assembled the release, opened its pool",
    "ben": "has a claimed credit on the song, a share and a payout",
    "cleo": "posted the poem that the song was made from",
    "sam": "has nothing to do with any of it",
    "pia": "produces the song and the release",
    "per": "produces another release",
    "abe": "is an accountant",
    "uma": "is an auditor",
    "moe": "is a moderator",
}
EVERYBODY = {*PEOPLE, OPERATOR}
ROLES = {"producer": "pia", "accountant": "abe", "auditor": "uma", "moderator": "moe"}
SIDES: dict[str, dict[str, str]] = {
    **{noun: {"poster": "ana"} for noun in ("release", "pool")},
    "contribution": {"poster": "ana", "leader": "cleo"},
    "work": {"poster": "ana", "contributor": "ben"},
    "proposal": {"poster": "ana", "party": "ana ben cleo"},
    "remix": {
        **{"poster": "ana", "poster of the parent": "cleo", "opener": "ana"},
        "party": "ana ben cleo",
    },
    "join": {
        **{"poster": "cleo", "poster of the other": "ana"},
        **{"opener": "cleo", "addressee": "ana"},
    },
    "credit": {
        **{"poster": "ana", "addressee": "ana", "contributor": "ben", "opener": "ben"},
        "party": "ana ben cleo",
    },
    **{noun: {"contributor": "ben"} for noun in ("contributor", "payout", "payment-currency")},
    "share": {"contributor": "ben", "poster": "ana"},
    "identifier": {"poster": "ana", "opener": "ana", "party": "ana ben cleo"},
    # Cleo leads the project; her challenge is in it, and Ana's song answers.
    **{noun: {"leader": "cleo"} for noun in ("project", "step")},
    "challenge": {"issuer": "cleo", "leader": "cleo", "poster": "ana"},
    "comment": {"writer": "ben", "poster": "ana"},
    # Ben is the group, and Sam is in it.
    "membership": {"group": "ben", "contributor": "sam"},
}
"""Who is in which relation to the things of this world, by the noun of a command."""
BY_OUTCOME = {
    "membership.settle": {"moderator"},
    "identifier.settle": {"moderator"},
    "remix.settle": {"moderator"},
    "credit.settle": {"moderator"},
}
"""Open to everyone, and then decided by the outcome: here, a dismissal."""

# -- what is written down by hand: who may give which command about the things of Ana and Ben ------

FREE = {
    *("submit_contribution", "assemble_release", "launch_project", "issue_challenge"),
    "post_comment",
}
LEADING = {
    *("describe_project", "publish_step", "describe_step", "assign_leader", "remove_leader"),
    *("update_project", "close_project", "reopen_project", "describe_challenge"),
    *("move_challenge", "close_challenge", "reopen_challenge", "feature_answer"),
    "unfeature_answer",
}
PLACING = {"place_contribution", "take_out_contribution"}
ANSWERING = {"answer_challenge", "withdraw_answer"}
CONCERNED = {"comment_on_proposal", "dispute_remix", "dispute_credit", "dispute_identifier"}
DECIDING = {
    *("publish_release", "withdraw_release", "redate_work", "open_pool", "post_proposal"),
    "amend_pool",
    *("revise_proposal", "answer_comment", "extend_proposal", "withdraw_proposal"),
    *("finalise_proposal", "open_credit", "accept_credit", "decline_credit", "revoke_credit"),
    *("confirm_share", "describe_work", "correct_credit"),
    *("state_identifier", "withdraw_identifier", "answer_identifier"),
    *("declare_remix", "accept_remix", "decline_remix", "answer_remix", "answer_credit"),
    "replace_remix",
}
BOOKS = {
    *("record_revenue", "record_expense", "reverse_revenue", "correct_pool", "issue_payouts"),
    *("settle_payout", "return_payout", "hold_credit", "lift_hold"),
    *("reverse_expense", "record_adjustment", "record_opening", "record_assignment"),
    "close_period",
    *("state_exchange_rate", "choose_payment_currency", "state_withholding", "end_withholding"),
    *("locate_pool", "state_reserve", "free_reserve"),
}
JUDGING = {
    "settle_membership",
    "settle_remix",
    "settle_credit",
    "settle_identifier",
    "strike_remix",
    "merge_contributor",
    "separate_contributor",
}
OWN = {
    *("forget_contributor", "register_key", "revoke_key", "claim_work", "open_credit"),
    *("decline_credit", "answer_credit", "accept_share", "decline_share", "waive_share"),
    *("claim_payout", "ask_first", "stop_asking", "correct_credit", "agree_licence"),
    *("rename_contributor", "hide_credit", "unhide_credit"),
    *("assign_share", "divide_shares"),
    "choose_payment_currency",
}
JOINING = {"join_works", "decline_join", "undo_join"}
MAY: dict[str, set[str]] = {
    "ana": FREE
    | CONCERNED
    | DECIDING
    | {"withdraw_contribution", "accept_join"}
    | JOINING
    | PLACING
    | ANSWERING,
    "ben": FREE
    | CONCERNED
    | OWN
    | {"offer_membership", "date_membership", "edit_comment", "remove_comment"}
    | {"dispute_membership", "answer_membership"}
    | {"follow_subject", "unfollow_subject"},
    "cleo": FREE | CONCERNED | {"declare_remix", "answer_remix"} | JOINING | LEADING | PLACING,
    "sam": FREE
    | {"accept_membership", "decline_membership", "date_membership"}
    | {"dispute_membership", "answer_membership"},
    "pia": FREE | DECIDING | {"comment_on_proposal"},
    "per": FREE,
    "abe": FREE | BOOKS,
    "uma": set(),
    "moe": FREE | JUDGING | {"withdraw_answer", "remove_comment"},
    OPERATOR: set(BY_OPERATION),
}
READ_BY = {
    "list_notices": {"ben", "uma", OPERATOR},
    "list_happenings": {"ben", "uma", OPERATOR},
    "list_follows": {"ben", "uma", OPERATOR},
    "show_entry_tile": {"uma", OPERATOR},
    "show_entries": {"uma", OPERATOR},
}
"""Who may read what not everybody may."""
PUBLIC = {
    *("show_health", "show_readiness", "add_cosignatures"),
    *(
        "show_checkpoint",
        "show_witnessed_checkpoint",
        "show_signed_checkpoint",
        "show_map_of",
        "show_checkpoint_of",
        "show_log_key",
        "show_tile",
        "show_consistency",
    ),
    *("show_as_of", "show_position"),
}
IN_MONEY = {"ana", "ben", "pia", "abe", "uma", OPERATOR}
MONEY: dict[str, set[str]] = {
    "show_pool_statement show_pool_ledger list_revenue list_expenses": IN_MONEY,
    "show_pool_earnings": IN_MONEY,
    "show_revenue show_expense show_division explain_line": IN_MONEY,
    # Cleo's poem is in the release: she reads what is agreed, but no amounts.
    "show_pool show_proposal show_proposal_diff": {*IN_MONEY, "cleo"},
    "show_statement show_earnings show_payout show_withholding": {"ben", "abe", "uma", OPERATOR},
    "show_group_division": {"ben", "abe", "uma", OPERATOR},
    "show_payout_batch list_payout_batches": {"abe", "uma", OPERATOR},
    "list_bookings list_balances show_trial_balance": {"abe", "uma", OPERATOR},
}
READ_BY |= {name: who for names, who in MONEY.items() for name in names.split()}


class World:
    """A small world, and everybody's key to it."""

    def __init__(self, served: Served, clock: AheadClock) -> None:
        self.served, operator = served, served.operator
        self.ids = {name: served.admit(name.capitalize()) for name in (*PEOPLE, "zoe")}
        self.clients = {name: served.acting(self.ids[name]) for name in PEOPLE}
        self.clients[OPERATOR] = operator
        ana = self.clients["ana"]
        poem = self.clients["cleo"].post("/contributions", title="Poem", medium="text").id
        sources = [{"work": poem, "kind": "adaptation"}]
        song = ana.post("/contributions", title="Song", medium="audio", sources=sources).id
        self.poem, said = poem, {"contributor": self.ids["ben"], "role": "singer"}
        credit = self.clients["ben"].post("/credits", work=song, **said).id
        album, other = (
            ana.post("/releases", title=title, components=[{"work": song}]).id
            for title in ("Album", "Other")
        )
        for person, role, work in (("pia", "producer", song), ("pia", "producer", album)):
            self._grant(person, role, work=work)
        self._grant("per", "producer", work=other)
        for role in ("accountant", "auditor", "moderator"):
            self._grant(ROLES[role], role)
        terms = {"type": "fixed", "shares": [["artists", "1", {"type": "agreed"}]]}
        named = {"name": "album", "kind": "song", "currency": "USD", "terms": terms}
        pool = ana.post(f"/releases/{album}/pools", named).id
        shares = [[self.ids["ben"], "1"]]
        self.assets = [{"asset": song, "value": "1", "shares": shares}]
        agreed = ana.post(f"/pools/{pool}/proposals", assets=self.assets).id
        clock.ahead = clock.WINDOW
        assert ana.post(f"/proposals/{agreed}/finalise").status == 200
        self.clients["ben"].post(f"/proposals/{agreed}/share/accept")
        sold = {"source": "shop", "amount_minor": 1000, "effective_at": "2026-01"}
        spent = {"category": "printing", "amount_minor": 1, "effective_at": "2026-01"}
        expense = operator.post(f"/pools/{pool}/expenses", spent).id
        revenue = operator.post(f"/pools/{pool}/revenue", sold).id
        isrc = {"work": song, "scheme": "isrc", "identifier": "USSKG1912345"}
        code = ana.post("/identifiers", isrc).id
        said = {"payee": self.ids["ben"], "country": "US", "rate": "0.1", "document": "W-8BEN"}
        rule = operator.post("/withholdings", said | {"effective_at": "2026"}).id
        batch = operator.post("/payout-batches", currency="USD").id
        items = operator.get("/payouts", batch=batch).items
        paid = {one["payee"]["id"]: one["id"] for one in items}
        proposal = ana.post(f"/pools/{pool}/proposals", assets=self.assets).id
        told = {"kind": "other", "text": "Why?"}
        comment = self.clients["ben"].post(f"/proposals/{proposal}/comments", told).id
        self.of = {
            **self._together(song),
            **{"work": song, "contribution": song, "release": album, "credit": credit},
            **{"remix": part_id(song, "source", 0), "pool": pool, "proposal": proposal},
            **{"comment": comment, "revenue": revenue, "batch": batch, "agreed": agreed},
            **{"expense": expense, "identifier": code, "withholding": rule},
            "join": self._claimed(song),
            **{"payout": paid[self.ids["ben"]], "entry": division_id(revenue)},
            "contributor": self.ids["ben"],
        }
        served.service.log.catch_up()

    def _together(self, song: str) -> dict[str, str]:
        """A project that Cleo leads, and her challenge in it, which Ana's song answers."""
        cleo, said = self.clients["cleo"], {"title": "A book", "goal": "A book", "kind": "book"}
        project = cleo.post("/projects", said | {"steps": [{"title": "Words"}]}).id
        asked = {"title": "Sing", "prompt": "Sing it.", "project": project}
        challenge = cleo.post("/challenges", asked).id
        step = part_id(project, "step", 0)
        self.clients["ana"].post(f"/contributions/{song}/place", step=step)
        self.clients["ana"].post(f"/challenges/{challenge}/answer", work=song)
        remark = self.clients["ben"].post("/comments", work=song, text="Mine.").id
        said = {"group": self.ids["ben"], "contributor": self.ids["sam"]}
        member = self.clients["ben"].post("/memberships", said).id
        found = {"project": project, "step": step, "challenge": challenge, "membership": member}
        return found | {"remark": remark}

    def _claimed(self, song: str) -> str:
        """Cleo says that the song is the same as what she posted."""
        cleo = self.clients["cleo"]
        copy = cleo.post("/contributions", title="Copy", medium="audio").id
        return cleo.post("/joins", work=copy, into=song).id

    def _grant(self, person: str, role: str, **of: str) -> None:
        answer = self.served.operator.post(
            f"/contributors/{self.ids[person]}/grant-role", role=role, **of
        )
        assert answer.status == 200, answer.text

    def sent(self, command: type[Command]) -> dict[str, Any]:  # noqa: PLR0912 - one per command
        """What a command says about this world; what would change who is who is wrong in it."""
        said = {
            one.name: self.of[one.value.noun] if isinstance(one.value, Ref) else one.value.example
            for one in command.fields()
            if one.is_needed and not isinstance(one.value, NewId)
        }
        match command.NAME:
            case "contributor.merge":
                said |= {"id": self.ids["zoe"], "into": self.ids["zoe"]}
            case "contributor.grant-role" | "contributor.end-role":
                said |= {"id": self.ids["zoe"], "role": "auditor"}
            case "contributor.forget":
                said["ground"] = "none"
            case "contribution.take-out" | "challenge.move" | "work.state-right":
                said["reason"] = (
                    "\u2800"  # refused once it is permitted, so that it stays where it is
                )
            case "comment.edit" | "comment.remove":
                said["id"] = self.of["remark"]
            case "project":
                said["steps"] = [{"title": "Words"}]
            case "project.assign-leader":
                said["contributor"] = self.ids["cleo"]
            case "remix" | "join":
                said["parent" if command.NAME == "remix" else "work"] = self.poem
            case "identifier":
                said["work"] = self.of["work"]
            case "release":
                said["components"] = [{"work": self.of["work"]}]
            case "share.accept" | "share.decline" | "share.waive":
                said |= {"proposal": self.of["agreed"], "contributor": self.ids["ben"]}
            case "remix.settle" | "credit.settle" | "identifier.settle" | "membership.settle":
                said["outcome"] = "dismissed"
            case "payment-currency" | "share.assign":
                said["payee"] = self.ids["ben"]
                said |= {"part": "0"} if "part" in {one.name for one in command.fields()} else {}
            case "adjustment" | "opening":
                said["lines"] = [{"payee": "house", "amount_minor": 0}]
            case "proposal" | "proposal.revise":
                said["assets"] = self.assets
        if command.NAME == "proposal.revise":
            said["comments"] = [self.of["comment"]]
        return said

    @cache  # noqa: B019 - there is one world
    def permitted(self, command: type[Command], person: str) -> bool:
        """Whether the service lets somebody give a command, whatever else it finds wrong."""
        said = self.sent(command)
        path = command.PATH.format(**{name: said.pop(name) for name in command.in_path()})
        answer = self.clients[person].post(path, said)
        assert answer.status not in {401, 429, 500, 503}, (command.NAME, person, answer.text)
        is_permitted = answer.status < 400 or answer.code != "not_permitted"
        assert is_permitted or (answer.status, "pen to" in answer.text or person == "uma") == (
            403,
            True,
        )
        return is_permitted

    def path(self, template: str) -> str:
        """The path of a question or a page about this world."""
        for part, noun in _NOUNS.items():
            own = str(self.of.get(noun, uuid4()))
            template = re.sub(rf"/{part}/{{(id|{noun})}}", f"/{part}/{own}", template)
        known = {
            **{"tile": "0/000.p/1", "bundle": "000.p/1", "position": "1", "size": "1"},
            **{"payee": self.ids["ben"], "key": "0" * 12},
        }
        for name, value in known.items():
            template = template.replace(f"{{{name}}}", value)
        return template.replace("{id}", str(uuid4()))


_NOUNS = {
    **{"works": "work", "piece": "work", "history": "work", "list": "work"},
    **{"releases": "release", "release": "release", "remixes": "remix", "remix": "remix"},
    **{"contributors": "contributor", "contributor": "contributor", "statement": "contributor"},
    **{"credits": "credit", "credit": "credit", "pools": "pool", "pool": "pool"},
    **{"proposals": "proposal", "proposal": "proposal", "entries": "entry", "entry": "entry"},
    **{"expenses": "expense", "identifiers": "identifier", "withholdings": "withholding"},
    **{"projects": "project", "project": "project", "step": "step", "steps": "step"},
    **{"challenges": "challenge", "challenge": "challenge", "comments": "remark"},
    "comment": "remark",
    **{"revenue": "revenue", "payouts": "payout", "payout-batches": "batch"},
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("who-may")
    with world_in(f"sqlite:///{folder / 'stemma.db'}") as one:
        yield one


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def either(request: pytest.FixtureRequest) -> Iterator[World]:
    """The same on both engines, for questions: what they answer is read from the tables."""
    if request.param == "sqlite":
        yield request.getfixturevalue("world")
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    with server.database() as database, world_in(database) as one:
        yield one


@contextmanager
def world_in(database: str) -> Iterator[World]:
    clock = AheadClock()
    with serving(database, clock=clock) as served:
        yield World(served, clock)


# -- commands ------------------------------------------------------------------------------------


def declared(command: type[Command], person: str) -> bool:
    """Whether the declaration of a command allows it to somebody of this world."""
    if person == OPERATOR:
        return True
    noun = command.NAME.partition(".")[0]
    relations = BY_OUTCOME.get(command.NAME, set(command.MAY))
    if person == "uma":  # an auditor writes nothing
        return False
    held = {**SIDES.get(noun, {}), **ROLES}
    return ANYONE in relations or any(person in held.get(one, "").split() for one in relations)


@pytest.mark.parametrize("person", sorted(EVERYBODY))
def test_a_command_is_open_to_whom_its_declaration_says(world: World, person: str) -> None:
    for command in COMMANDS.values():
        assert world.permitted(command, person) == declared(command, person), command.NAME


@pytest.mark.parametrize("person", sorted(EVERYBODY))
def test_a_command_is_open_to_whom_it_is_written_here(world: World, person: str) -> None:
    found = {name for name, one in BY_OPERATION.items() if world.permitted(one, person)}
    assert found == MAY[person], PEOPLE.get(person)


def test_nobody_gives_a_command_without_a_key(world: World) -> None:
    head = world.served.head
    for command in COMMANDS.values():
        said = world.sent(command)
        path = command.PATH.format(**{name: said.pop(name) for name in command.in_path()})
        for key in (None, "stemma_wrong", "a.b.c"):
            answer = world.served.client(key).post(path, said)
            assert (answer.status, answer.code) == (401, "unauthenticated"), path
    assert world.served.head == head


# -- questions -----------------------------------------------------------------------------------


def test_a_question_is_answered_to_whom_it_is_written_here(either: World) -> None:
    document = either.served.operator.document
    seen = set()
    for method, template, operation in operations(document):
        if method != "get":
            continue
        name, path = operation["operationId"], either.path(template)
        seen.add(name)
        nobody = either.served.client(None).get(path)
        assert (nobody.status == 401) == (name not in PUBLIC), path
        assert (operation.get("security") == []) == (name in PUBLIC), name
        for person in EVERYBODY:
            answer = either.clients[person].get(path)
            assert answer.status < 500, (path, answer.text)
            is_read = answer.status != 403
            assert is_read == (person in READ_BY.get(name, EVERYBODY)), (person, path, answer.text)
    assert READ_BY.keys() | PUBLIC <= seen | {"add_cosignatures"}


def test_who_may_not_read_something_is_told_who_may(world: World) -> None:
    answer = world.clients["sam"].get(f"/contributors/{world.ids['ben']}/notices")
    assert (answer.status, answer.code) == (403, "not_permitted")
    assert "Open to the operator" in answer.json["detail"]
    assert "an auditor" in answer.json["detail"]


# -- pages ---------------------------------------------------------------------------------------

CLOSED = {
    "waiting",
    "desk",
    "do",
    "post",
    "pool",
    "pools",
    "proposal",
    "entry",
    "statement",
    "own-keys",
    "own-webhooks",
    "own-notifications",
}
"""The first words of pages that need signing in even where pages are public."""
OPEN = {"", "audit", "docs", "farewell", "favicon.ico", "mail", "openapi.json", "sign-in", "static"}
"""The first words of pages that anybody may see."""


def test_a_page_is_shown_to_whom_it_is_written_here(world: World) -> None:
    nobody = reader(world.served)
    signed_in = {
        person: reader(world.served).sign_in(
            OPERATOR_KEY
            if person == OPERATOR
            else world.served.service.keys.create(world.ids[person])
        )
        for person in EVERYBODY
    }
    seen = 0
    for rule in world.served.app.url_map.iter_rules():
        if not rule.endpoint.startswith("pages.") or "GET" not in (rule.methods or ()):
            continue
        path = world.path(re.sub(r"<(?:[^:>]*:)?([^>]*)>", r"{\1}", rule.rule))
        first, seen = path.split("/")[1], seen + 1
        if first != "receipts":  # which go to whoever may read their facts
            assert (nobody.get(path).status in (200, 404)) == (first in OPEN), path
        for person, browser in signed_in.items():
            page = browser.get(path)
            assert page.status < 500, path
            if first not in CLOSED:
                assert page.status not in (401, 403), (person, path)
    assert seen > 30


def test_the_page_of_a_refusal_says_who_may_see_it(world: World) -> None:
    sam = reader(world.served).sign_in(world.served.service.keys.create(world.ids["sam"]))
    page = sam.get(f"/statement/{world.ids['ben']}")
    assert (page.status, "You may not see this" in page.text_seen) == (403, True)
    assert "an accountant; an auditor" in page.text_seen


def test_the_sets_written_here_name_what_exists() -> None:
    assert set().union(*MAY.values()) == set(BY_OPERATION)
    assert json.loads(json.dumps(sorted(EVERYBODY))) == sorted(MAY)
