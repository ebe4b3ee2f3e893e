"""Small functions that write histories: a service on a database, and the commands in few words.

Rule: a story says only what its test is about; everything it leaves out is the same every time.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from threading import Barrier, Event
from typing import Any
from uuid import UUID, uuid5

import networkx as nx
import psycopg
import pytest
from clocks import NOON
from together import every_fact_together

from domain.draft import Acknowledgement, Draft
from domain.identity import part_id
from domain.moment import instant
from domain.note import SignerKey
from domain.outside import outside_id
from domain.refusal import Refusal
from domain.registry import BY_OPERATION
from domain.stored import Placed
from projections.folding import TABLES
from projections.store import View, holds, table_name
from scripts.service import Service, open_service

OPERATOR = "operator"


def id_of(name: str) -> str:
    """The id that stands for a name in every story."""
    return str(uuid5(UUID(int=0), name))


def ticking(start: datetime = NOON) -> Callable[[], datetime]:
    """A clock that advances by one second whenever it is asked."""
    ticks = iter(range(1 << 60))
    return lambda: start + timedelta(seconds=next(ticks))


def carry_out(draft: Draft, command: str, /, actor: str = OPERATOR, **said: Any) -> Acknowledgement:
    """Carry out a command on a draft, by its identifier."""
    return draft.carry_out(BY_OPERATION[command].of(said), actor)


class Story:
    """A service, and the commands of its journal in few words; ids follow from names."""

    def __init__(self, service: Service) -> None:
        self.service, self.journal, self.store = service, service.journal, service.store

    def tell(self, command: str, **said: Any) -> Acknowledgement:
        """Carry out a command by its name, as the operator unless an actor is named."""
        said.setdefault("actor", OPERATOR)
        by = said.pop("actor")
        return self.journal.record(BY_OPERATION[command].of(said), by=by)

    def refused(self, refusal: type[Refusal], command: str, /, **said: Any) -> Refusal:
        """The refusal of a command, which leaves no trace."""
        before = self.head()
        with pytest.raises(Refusal) as found:
            self.tell(command, **said)
        assert type(found.value) is refusal
        assert self.head() == before
        return found.value

    def person(self, name: str) -> str:
        return self.tell("admit_contributor", name=name, id=id_of(name)).id

    def piece(
        self,
        name: str,
        *sources: str | tuple[str, str],
        by: Sequence[str] = (),
        made_at: str | None = None,
        role: str = "writer",
        medium: str = "text",
        actor: str = OPERATOR,
    ) -> str:
        """A piece made from other works, each an adaptation unless a kind stands beside it."""
        named = [(one, "adaptation") if isinstance(one, str) else one for one in sources]
        return self.tell(
            "submit_contribution",
            title=name,
            medium=medium,
            authors=[{"contributor": person, "role": role} for person in by],
            sources=[{"work": work, "kind": kind} for work, kind in named],
            made_at=made_at,
            id=id_of(name),
            actor=actor,
        ).id

    def edge(self, child: str, parent: str, kind: str = "sample", **said: Any) -> str:
        return self.tell("declare_remix", child=child, parent=parent, kind=kind, **said).id

    def credit(self, work: str, person: str, role: str = "editor", **said: Any) -> str:
        return self.tell("open_credit", work=work, contributor=person, role=role, **said).id

    def release(self, name: str, *components: str, **said: Any) -> str:
        parts = [{"work": work} for work in components]
        return self.tell(
            "assemble_release", title=name, components=parts, id=id_of(name), **said
        ).id

    @contextmanager
    def view(self, as_of: int | None = None) -> Iterator[View]:
        """The answers, once everything recorded is folded."""
        self.service.follower.catch_up()
        with self.store.view(as_of=as_of) as view:
            yield view

    def facts(self) -> list[Placed]:
        return list(self.journal.read())

    def texts(self) -> set[str]:
        """What people wrote, and is not erased."""
        return {text for (text,) in self.journal.engine.query("SELECT value FROM vault")}

    def topics(self, after: int = 0) -> list[str]:
        return [placed.topic for placed in self.journal.read(after)]

    def head(self) -> int:
        return self.journal.facts.head()


@contextmanager
def story(database: str, **settings: Any) -> Iterator[Story]:
    """A story on a database, closed afterwards."""
    with open_service(database, **settings) as service:
        yield Story(service)


def read_tables(told: Story) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every read table in use, in a fixed order."""
    generation = told.store.current().number
    return {
        table.name: sorted(
            told.store.engine.query(
                f"SELECT {', '.join(name for name in table.all_columns)} "
                f"FROM {table_name(table.name, generation)}"
            ),
            key=repr,
        )
        for table in TABLES
    }


@contextmanager
def raw_connection(database: str) -> Iterator[Any]:
    """A connection past everything that is ours; each statement is its own transaction."""
    connection: Any
    if database.startswith("sqlite:///"):
        connection = sqlite3.connect(database.removeprefix("sqlite:///"), isolation_level=None)
    else:
        connection = psycopg.connect(database, autocommit=True)
    try:
        yield connection
    finally:
        connection.close()


IDS = {
    **{name: id_of(f"text-name-{name}") for name in ("ana", "ben")},
    **{name: id_of(name) for name in ("poem", "song", "release")},
}
"""Whom and what the history with every fact is about."""


def every_fact(told: Story) -> None:
    """A history with every kind of fact, and a text of its own in every field that takes one.

    It takes a second: tests begin with a copy of it, by ``pytest.mark.after``.
    """
    tell = told.tell
    earlier = ExitStack()
    earlier.enter_context(days_before(told, 15))
    ana, ben, eva = (told.person(name) for name in ("text-name-ana", "text-name-ben", "text-eva"))
    poem = tell(
        "submit_contribution",
        title="text-title-poem",
        medium="text",
        authors=[
            {
                **{"contributor": ana, "role": "writer", "display": "text-display-author"},
                **{
                    one: f"text-{one}-author"
                    for one in ("credited_as", "join_phrase", "character", "ai_tool")
                },
            }
        ],
        made_at="2020",
        licence="CC-BY-4.0",
        sha256="ab" * 32,
        media_url="https://text-media_url-poem.example/",
        actor=ana,
        id=id_of("poem"),
    ).id
    song = tell(
        "submit_contribution",
        title="text-title-song",
        medium="audio",
        authors=[{"contributor": ana, "role": "singer"}, {"contributor": ben, "role": "drummer"}],
        sources=[
            {"work": poem, "kind": "adaptation", "rate": "1/5", "note": "text-note-work"},
            {"uri": "https://example.org/break", "kind": "sample", "note": "text-note-uri"},
        ],
        id=id_of("song"),
    ).id
    outside = tell(
        "declare_remix",
        child=poem,
        uri="https://example.org/saga",
        kind="influence",
        rate="0.1",
        evidence="text-evidence-remix",
        **{"ai": ["picture fully"], "ai_tool": "text-ai_tool-remix"},
        effective_at="2019",
        id=id_of("saga"),
    ).id
    tell("state_right", id=song, right_holder=eva, reason="text-reason-right")
    said = {
        **{"title": "text-title-described", "creators": "text-creators-described"},
        "media_url": "https://text-media_url-described.example/",
    }
    tell("describe_work", id=song, reason="text-reason-describe", licence="CC0-1.0", **said)
    for verb in ("accept", "decline"):
        saga = tell(
            "submit_contribution",
            title=f"text-title-{verb}",
            medium="text",
            made_at="1950",
            actor=ana,
            id=id_of(verb),
        ).id
        claim = tell("declare_remix", child=song, parent=saga, kind="influence", actor=ana).id
        tell(f"{verb}_remix", id=claim, reason=f"text-reason-{verb}-remix")
    dispute(told, "remix", outside)
    tell("strike_remix", id=outside, reason="text-reason-remix-strike")
    tell("redate_work", id=poem, made_at="2019-05", reason="text-reason-redate")
    granted = tell(
        "open_credit",
        work=song,
        contributor=eva,
        role="editor",
        kind="influence",
        display="text-display-credit",
        **{one: f"text-{one}-credit" for one in ("credited_as", "join_phrase", "character")},
        billing=1,
        **{"ai": ["none"], "ai_tool": "text-ai_tool-credit", "evidence_kind": "word"},
        evidence_sha256="ab" * 32,
        evidence="text-evidence-credit",
        effective_at="2026-05-01",
        id=id_of("credit"),
    ).id
    tell("decline_credit", id=granted, reason="text-reason-decline")
    tell("accept_credit", id=granted, reason="text-reason-accept")
    corrected = ("display", "credited_as", "join_phrase", "character", "ai_tool")
    said = {one: f"text-{one}-corrected" for one in corrected}
    tell("correct_credit", id=granted, reason="text-reason-correct", ai=["none"], **said)
    dispute(told, "credit", granted)
    tell("revoke_credit", id=granted, reason="text-reason-revoke")
    tell("claim_work", id=song, contributor=eva, role="editor", evidence="text-evidence-claim")
    release = tell(
        "assemble_release",
        title="text-title-release",
        components=[{"work": song, "rate": "1/2"}, {"work": poem}],
        id=id_of("release"),
    ).id
    recut_and_publish(told, release, poem)
    every_fact_about_money(told, release, song, ana, earlier)
    tell("withdraw_release", id=release, reason="text-reason-release")
    tell("withdraw_contribution", id=poem, reason="text-reason-withdraw")
    separate_and_part(told, ana, eva, ben, song)
    told.tell("merge_contributor", id=eva, into=ben, reason="text-reason-again")
    tell("forget_contributor", id=told.person("text-name-gus"), ground="request")
    told.journal.accept_clock()
    key = str(SignerKey(ana, bytes(32)).verifier)
    said = {"scheme": "isni", "identifier": "000000012281955X"}
    isni = tell("state_identifier", contributor=ana, evidence="text-evidence-isni", **said).id
    dispute(told, "identifier", isni)
    tell("withdraw_identifier", id=isni, reason="text-reason-isni")
    tell("state_identifier", work=song, scheme="isrc", identifier="US-SKG-19-12345")
    tell("rename_contributor", id=ana, name="text-name-renamed", former="kept", actor=ana)
    for verb in ("hide", "unhide"):
        tell(f"{verb}_credit", id=part_id(song, "author", 0), actor=ana)
    among = {"among": [{"contributor": ben, "part": "1/3"}], "reason": "text-reason-divided"}
    for own, more in {"ask_first": {}, "stop_asking": {}, "divide_shares": among}.items():
        tell(own, id=ana, **more, actor=ana)
    tell("register_key", id=ana, key=key, actor=ana)
    tell("revoke_key", id=ana, key=key, reason="text-reason-key")
    role = {"id": ana, "role": "producer", "work": release}
    tell("grant_role", **role, reason="text-reason-role")
    tell("end_role", **role, reason="text-reason-role-end")


def join_and_part(told: Story, song: str, ana: str) -> None:
    """Two works are one and two again; of two others one poster is asked."""
    again = told.piece("text-title-again", actor=ana)
    join = told.tell("join_works", work=again, into=song, reason="text-reason-join").id
    told.tell("undo_join", id=join, reason="text-reason-undo")
    said = {"work": again, "into": told.piece("text-title-other")}
    join = told.tell("join_works", **said, reason="text-reason-claim", actor=ana).id
    told.tell("decline_join", id=join, reason="text-reason-decline-join")
    told.tell("accept_join", id=join, reason="text-reason-accept-join")


def recut_and_publish(told: Story, release: str, work: str) -> None:
    """The second component of a release is replaced before it is published."""
    said = {"work": work, "rate": "1/4", "places": [2, 3], "reason": "text-reason-recut"}
    told.tell("replace_remix", id=part_id(release, "component", 1), **said)
    told.tell("publish_release", id=release)


def separate_and_part(told: Story, ana: str, eva: str, ben: str, song: str) -> None:
    """What was said to be one is two again; a licence is agreed to; others work together."""
    told.tell("agree_licence", id=part_id(song, "author", 0), licence="CC-BY-4.0")
    merge_and_separate(told, eva, ben)
    join_and_part(told, song, ana)
    every_fact_together(told, ana, id_of("release"))


def merge_and_separate(told: Story, old: str, new: str) -> None:
    """Two accounts are one person, until they are not."""
    told.tell("merge_contributor", id=old, into=new, reason="text-reason-merge")
    told.tell("separate_contributor", id=old, reason="text-reason-separate")


def dispute(told: Story, noun: str, id: str) -> None:
    """A dispute that is opened, answered and dismissed, with a text wherever it takes one."""
    said = {"reason": "text-reason-dispute", "evidence": "text-evidence-dispute"}
    said |= {"evidence_kind": "word", "evidence_sha256": "ab" * 32}
    told.tell(f"dispute_{noun}", id=id, grounds="other", **said)
    told.tell(f"answer_{noun}", id=id, **said)
    told.tell(f"settle_{noun}", id=id, outcome="dismissed", reason="text-reason-settle")


def every_table(told: Story) -> None:
    """The same, and what else has rows of its own: the code of a content, somebody to be mailed."""
    every_fact(told)
    song = id_of("song")
    code = "ISCC:KACT4EBWK27737D2AYCJRAL5Z36G76RFRMO4554RU26HZ4ORJGIVHDI"
    told.tell("state_identifier", work=song, scheme="iscc", identifier=code)
    release, dee = told.release("mailed", song), told.person("dee")
    pool = told.tell(
        *("open_pool",),
        **{"release": release, "name": "mailed", "kind": "song", "currency": "USD"},
        terms={"type": "fixed", "shares": [["artists", "1", AGREED]]},
    ).id
    told.journal.rules.told_by_mail = set  # all of them
    shared = [{"asset": song, "value": "1", "shares": [[dee, "1"]]}]
    told.tell("post_proposal", pool=pool, assets=shared)


def every_fact_about_money(
    told: Story, release: str, song: str, ana: str, earlier: ExitStack
) -> None:
    """A pool that is agreed on, earns, gives back, and is paid; so many share it that lists go on.

    All until it is proposed happens earlier, so that the window for comments has closed.
    """
    tell, dee = told.tell, told.person("text-name-dee")
    crowd = [[f"somebody {number} {'x' * 180}", "1"] for number in range(90)]
    sampled = outside_id("https://example.org/break")
    crowd.append([f"work/{sampled}", "1"])
    assets = [
        {"asset": song, "value": "8", "shares": [[ana, "1"], [dee, "1"]]},
        {"asset": "crowd", "value": "1", "within": ["act 1"], "shares": crowd},
    ]
    with earlier:
        half = {"type": "fixed", "shares": [["house", "1/2"], ["artists", "1/2", AGREED]]}
        said = {"release": release, "kind": "song", "currency": "USD", "terms": half}
        pool = tell("open_pool", name="text-name-pool", works=[song], **said).id
        said = {"pool": pool, "assets": assets}
        tell(
            "withdraw_proposal",
            proposal=tell("post_proposal", **said).id,
            reason="text-reason-proposal",
        )
        proposal = tell("post_proposal", note="text-note-proposal", **said).id
        note = tell(
            "comment_on_proposal",
            proposal=proposal,
            kind="left_out",
            text="text-text-comment",
            about=dee,
            actor=ana,
        ).id
        tell("answer_comment", proposal=proposal, comment=note, text="text-text-answer")
        tell(
            "revise_proposal",
            proposal=proposal,
            comments=[note],
            assets=assets,
            note="text-note-revision",
        )
        later = instant(told.journal.clock() + timedelta(days=14, hours=12))
        tell("extend_proposal", proposal=proposal, closes_at=later, reason="text-reason-extend")
        tell("notify_of_proposal", proposal=proposal, contributor=ana, means="email")
    booked = {"pool": pool, "amount_minor": 1000, "effective_at": "2026-04"}
    said = {"document": "text-document-revenue", "note": "text-note-revenue"}
    revenue = tell("record_revenue", source="text-source_name", **booked, **said).id
    tell("reverse_revenue", revenue=revenue, amount_minor=100, reason="text-reason-waiting")
    booked, said = booked | {"amount_minor": 50}, {"document": "text-document-expense"}
    said |= {"category_name": "text-category_name", "payer": "text-payer_name"}
    expense = tell(
        "record_expense", category="printing", note="text-note-expense", **booked, **said
    ).id
    tell("finalise_proposal", proposal=proposal)
    tell("accept_share", proposal=proposal, actor=ana)
    tell("decline_share", proposal=proposal, contributor=dee, reason="text-reason-share")
    tell("waive_share", proposal=proposal, contributor=dee, scope=song, reason="text-reason-waive")
    tell("reverse_revenue", revenue=revenue, amount_minor=100, reason="text-reason-divided")
    every_fact_of_the_accountant(told, proposal, pool, expense, ana, dee)
    credit = part_id(song, "author", 0)
    tell("hold_credit", id=credit, reason="text-reason-hold")
    tell("lift_hold", id=credit, reason="text-reason-go")
    every_fact_of_a_payout(told, pool, ana)
    said = {"contributor": dee, "role": "drummer"}
    claim = tell("claim_work", id=sampled, evidence="text-evidence-break", **said).id
    tell("accept_credit", id=claim, reason="text-reason-break")
    wrong = tell("open_credit", work=song, **said).id
    tell("revoke_credit", id=wrong, reason="text-reason-wrong")
    tell("confirm_share", proposal=proposal, payee=dee, reason="text-reason-confirm")


def every_fact_of_a_payout(told: Story, pool: str, ana: str) -> None:
    """What is withheld of it, in which currency it is sent, and what becomes of it."""
    dated = {"effective_at": "2026-01"}
    said = {"payee": ana, "country": "US", "rate": "0.1", "document": "text-document-form"}
    rule = told.tell("state_withholding", note="text-note-form", **said, **dated).id
    told.tell("locate_pool", pool=pool, country="US", reason="text-reason-located")
    told.tell("state_reserve", pool=pool, rate="1/2", reason="text-reason-reserve", **dated)
    sold = {"pool": pool, "amount_minor": 10, "effective_at": "2026-03"}
    told.tell("record_revenue", source="text-source_name", **sold)
    told.tell("free_reserve", pool=pool, reason="text-reason-freed")
    told.tell("choose_payment_currency", payee=ana, currency="EUR", reason="text-reason-euros")
    said = {"currency": "USD", "into_currency": "EUR", "rate": "0.9217"}
    told.tell("state_exchange_rate", source_name="text-source_name-rate", **said, **dated)
    batch = told.tell("issue_payouts", currency="USD", payees=[ana]).id
    payout = part_id(batch, "payout", 0)
    told.tell("settle_payout", id=payout, reference="text-reference")
    told.tell("return_payout", id=payout, reason="text-reason-return")
    told.tell("claim_payout", id=payout, reason="text-reason-claim", actor=ana)
    told.tell("end_withholding", id=rule, reason="text-reason-ended")


def every_fact_of_the_accountant(
    told: Story, proposal: str, pool: str, expense: str, ana: str, dee: str
) -> None:
    """What was agreed elsewhere, assigned, adjusted, and what an expense was after all."""
    tell = told.tell
    assets = [{"asset": "sheet", "value": "1", "shares": [[ana, "1"], [dee, "1"]]}]
    tell("close_period", until="2026", note="text-note-period")
    third = {"type": "fixed", "shares": [["house", "1/3"], ["artists", "2/3", AGREED]]}
    why = {"reason": "text-reason-amend", "document": "text-document-amend"}
    tell("amend_pool", pool=pool, terms=third, effective_at="2026-01", **why)
    signed = {"agreed_on": "2026-03", "document": "text-document-sheet", "note": "text-note-sheet"}
    tell(
        "record_agreement", pool=pool, assets=assets, consents=[ana], effective_at="2019", **signed
    )
    sold = {"reason": "text-reason-sold", "evidence": "text-evidence-sold"}
    said = {"pool": pool, "payee": dee, "to": "house", "part": "1/2", "effective_at": "2019-02"}
    tell("assign_share", **said, **sold)
    tell("identify_payee", name="house", contributor=dee, **sold)
    said = {"expense": expense, "reason": "text-reason-refund"}
    tell("reverse_expense", amount_minor=20, document="text-document-refund", **said)
    said = {"pool": pool, "lines": [{"payee": ana, "amount_minor": 13}], "payer": "house"}
    tell("record_adjustment", reason="text-reason-sorry", document="text-document-sorry", **said)
    said = {"pool": pool, "lines": [{"payee": ana, "amount_minor": 1}], "effective_at": "2026-03"}
    tell("record_opening", reason="text-reason-books", document="text-document-books", **said)
    said = {"payee": ana, "to": "house", "currency": "USD", "amount_minor": 1}
    tell("record_assignment", reason="text-reason-to", evidence="text-evidence-to", **said)
    named = {"type": "fixed", "shares": [["house", "1"]]}
    release = told.release("text-title-album", told.piece("text-title-song"))
    said = {"release": release, "name": "text-name-named", "kind": "other", "currency": "USD"}
    other = tell("open_pool", terms=named, **said).id
    sold = {"pool": other, "amount_minor": 1, "source": "store", "effective_at": "2026-04"}
    tell("record_revenue", **sold)


AGREED = {"type": "agreed"}


@contextmanager
def days_before(told: Story, days: int) -> Iterator[None]:
    """What is told meanwhile happens some days before now."""
    clock = told.journal.clock
    told.journal.clock = lambda: clock() - timedelta(days=days)
    try:
        yield
    finally:
        told.journal.clock = clock


def at_once(*actions: Callable[[], Any]) -> list[Any]:
    """What each action answers, or the refusal it raises, when all begin at the same moment."""
    ready = Barrier(len(actions))

    def begin(action: Callable[[], Any]) -> Any:
        ready.wait()
        try:
            return action()
        except Refusal as refusal:
            return refusal

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(begin, actions))


@contextmanager
def meanwhile(*actions: Callable[[], Any]) -> Iterator[None]:
    """Each action again and again in a thread of its own, until the end of the block."""
    done = Event()

    def go_on(action: Callable[[], Any]) -> None:
        while not done.is_set():
            action()

    with ThreadPoolExecutor(len(actions)) as pool:
        going = [pool.submit(go_on, action) for action in actions]
        try:
            yield
        finally:
            done.set()
        for one in going:
            one.result()


def cycle_in(told: Story) -> list[Any]:
    """A cycle among the edges that count, found by networkx; empty if there is none."""
    with told.view() as view:
        sql = "SELECT e.child, e.parent FROM @remixes e WHERE e.state = 'declared'"
        graph = nx.DiGraph(view.rows(f"{sql} AND {holds('e')}"))
    try:
        return list(nx.find_cycle(graph))
    except nx.NetworkXNoCycle:
        return []
