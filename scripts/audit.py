"""An audit of a database: everything that follows from the facts is computed again and compared.

The one rule: nothing stored is believed, and nothing in use is changed. A check yields each
difference with its place, and returns what it has counted.

One file: checks of one form, one after another.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import islice
from typing import Any

from domain.checkpoint import Checkpoint, open_checkpoint
from domain.clock import Clock, stamp_of
from domain.contribution import Contribution
from domain.contributor import Contributor
from domain.dates import is_surely_before
from domain.engine import Row, Transaction
from domain.fact import FACTS, Fact, Noun, erasing
from domain.journal import Journal
from domain.kept import BETWEEN
from domain.known import Known
from domain.money.books import Books, fold_after
from domain.money.entry import Entry
from domain.money.pool import Pool
from domain.money.proposal import Proposal
from domain.money.proposing import computed_assets, eligible_assets
from domain.money.verifying import Verifier
from domain.note import Note, read_signatures, time_of
from domain.nouns import BORN, NOUNS, may_stand_at
from domain.refusal import Refusal
from domain.release import Release
from domain.remix import Remix
from domain.seal import Disclosure, digest_of, owner_in
from domain.stored import Placed, vault_row
from domain.tree import HASH_BYTES, TILE_WIDTH, NotVerified, Tile, grow, leaf_hash, tiles_of
from domain.work import Work
from projections import documents
from projections.follower import (
    PROJECTIONS,
    TABLES,
    Progress,
    Rebuild,
    begin,
    drop,
    next_generation,
    uncollected,
)
from projections.log import Log, Signed
from projections.money import balances as projected
from projections.store import Generation, View, table_name
from projections.tables import Table
from scripts.bundle.whole import commitments, content_of
from scripts.difference import PAGE, Check, Difference, Differences, at_one_moment
from scripts.difference import pages as _pages
from scripts.difference import position as _at
from scripts.links import guards, links, signatures
from scripts.maps import latest
from scripts.rules import rules
from scripts.service import Service


def first_difference(check: Check, service: Service, progress: Progress) -> Difference | str:
    """The first difference a check finds; without any, what it has compared."""
    found = check(service, progress)
    try:
        return next(found)
    except StopIteration as end:
        return str(end.value)
    finally:
        found.close()


# -- the journal ---------------------------------------------------------------------------


@at_one_moment
def journal(service: Service, progress: Progress) -> Differences:
    """Positions have no gaps, and every fact is of a known kind and stored in its normal form."""
    head, position = service.journal.facts.head(), 0
    backwards: list[int] = []
    last = ""
    for placed in service.journal.read():
        position += 1
        if placed.position != position:
            yield Difference(_at(position), f"there is no fact; the next is at {placed.position}")
        stamp = stamp_of(placed.state)
        if stamp < last and placed.topic != Clock.Accepted.TOPIC:
            backwards.append(position)
        last = stamp
        try:
            content_of(placed)
            written = service.journal.mapper.to_stored_event(placed.fact())
        except (Refusal, KeyError, TypeError, ValueError, AttributeError) as error:
            yield Difference(_at(position), f"this can't be a {placed.topic}: {error!r}")
        else:
            if written.state != placed.state:
                yield Difference(_at(position), f"this is not the normal form of a {placed.topic}")
        if position % PAGE == 0:
            progress(position, head)
    return f"{position} facts, without a gap{_times(backwards)}"


def _times(backwards: list[int]) -> str:
    """Where time runs backwards. It is no difference: version 0.1 did not keep it from that."""
    if not backwards:
        return ""
    return f"; time runs backwards at {len(backwards)} of them, first at position {backwards[0]}"


@at_one_moment
def index(service: Service, progress: Progress) -> Differences:
    """The index finds every fact by its fields, and by nothing else."""
    head, count = service.journal.facts.head(), 0
    for page in _pages(service.journal.read()):
        expected = {
            (one.value, one.field, placed.position, one.leads_to)
            for placed in page
            for one in placed.fact().found_by()
        }
        count += len(expected)
        rows = service.engine.query(
            "SELECT value, field, position, leads_to FROM found WHERE value IN :values "
            "AND position >= :first AND position <= :last",
            values=list({value for value, *_ in expected}),
            first=page[0].position,
            last=page[-1].position,
        )
        differing = {one[:3] for one in expected.symmetric_difference(rows)}
        for _, field, position in sorted(differing):
            yield Difference(_at(position), f"the index differs in {field}")
        progress(page[-1].position, head)
    (kept,) = service.engine.query("SELECT count(*) FROM found")[0]
    if kept != count:
        yield Difference("the index", f"{kept - count} entries without a fact")
    return f"{count} entries, each of a fact"


_OF_NOUN: dict[type[Noun], set[type[Fact]]] = {
    noun: {
        kind
        for above in noun.__mro__
        for kind in vars(above).values()
        if isinstance(kind, type) and issubclass(kind, Fact)
    }
    for noun in NOUNS
}


@at_one_moment
def streams(service: Service, progress: Progress) -> Differences:
    """Versions start at 1 without gaps, and every fact is allowed in the state it happened in."""
    count, head = 0, service.journal.facts.head()
    told = 0
    for stream in _streams(service.journal):
        count, told = count + 1, told + len(stream)
        yield from _illegal(stream)
        if count % PAGE == 0:
            progress(told, head)
    return f"{count} histories, each as its rules allow"


def _illegal(stream: list[Placed]) -> Iterator[Difference]:
    noun: Noun | None = None
    first = FACTS.get(stream[0].topic)
    if len(stream) == 1 and stream[0].originator_version == 1 and first is not None:
        if not may_stand_at(first, 1):
            yield Difference(_at(stream[0].position), f"{first.TOPIC} is fact 1 of its history")
        return
    for version, placed in enumerate(stream, start=1):
        happened, where = placed.fact(), _at(placed.position)
        kind = type(happened)
        if placed.originator_version != version:
            yield Difference(
                where,
                f"the fact about {placed.originator_id} has version "
                f"{placed.originator_version}, not {version}",
            )
        if not may_stand_at(kind, 1 if noun is None else version):
            yield Difference(where, f"{placed.topic} is fact {version} of its history")
        if noun is None:
            noun = BORN[kind].__new__(BORN[kind])
            noun.facts = []
        elif kind not in _OF_NOUN[type(noun)]:
            yield Difference(where, f"{placed.topic} can't happen to a {noun.NAME}")
        elif kind.FROM and noun.state not in kind.FROM:
            yield Difference(where, f"{placed.topic} can't happen to what is {noun.state}")
        noun.happen(placed.position, happened)


def _streams(journal: Journal) -> Iterator[list[Placed]]:
    """Every history, read in pages."""
    last = ""
    while ids := journal.engine.query(
        "SELECT DISTINCT originator_id FROM stored_events WHERE originator_id > :last "
        "ORDER BY originator_id LIMIT 1000",
        last=last,
    ):
        last = ids[-1][0]
        stream: list[Placed] = []
        for placed in journal.facts.streams([id for (id,) in ids]):
            if stream and stream[0].originator_id != placed.originator_id:
                yield stream
                stream = []
            stream.append(placed)
        yield stream


# -- the vault -----------------------------------------------------------------------------


@at_one_moment
def lineage(service: Service, progress: Progress) -> Differences:
    """No work is made from itself. Contradicting dates are counted: they are only statements."""
    head, dates, edges = service.journal.facts.head(), dict[str, str | None](), dict[str, Remix]()
    for placed in service.journal.read():
        happened = placed.fact()
        match happened:
            case Contribution.Submitted() | Release.Assembled() | Work.Redated():
                dates[placed.originator_id] = happened.made_at
            case Remix.Declared():
                edges[placed.originator_id] = Remix.told_by([(placed.position, happened)])
            case Remix.Event() if placed.originator_id in edges:
                edges[placed.originator_id].happen(placed.position, happened)
        if placed.position % PAGE == 0:
            progress(placed.position, head)
    counting = [edge for edge in edges.values() if edge.counts]
    parents: dict[str, set[str]] = {}
    for edge in counting:
        parents.setdefault(edge.child, set()).add(edge.parent)
    try:
        TopologicalSorter(parents).prepare()
    except CycleError as error:
        yield Difference("the lineage", f"works form a cycle: {' → '.join(error.args[1])}")
    older = [
        edge for edge in counting if is_surely_before(dates.get(edge.child), dates.get(edge.parent))
    ]
    first = f", first {older[0].child} (remix {older[0].id})" if older else ""
    return f"{len(counting)} edges, no cycle; {len(older)} with the child dated first{first}"


@at_one_moment
def vault(service: Service, progress: Progress) -> Differences:
    """Every commitment has its own text, or a fact that says it was erased."""
    head = service.journal.facts.head()
    erased, found, gone, unsaid = erased_in(service.journal), 0, 0, 0
    before: Mapping[str, Placed] = {}
    for page in _pages(service.journal.read()):
        sealed = {digest: placed for placed in page for digest in kept_in(placed)}
        # All facts of a command commit to the one message that was signed.
        sealed = {digest: sealed[digest] for digest in sealed if digest not in before}
        rows = {
            row[0]: row
            for row in service.engine.query(
                "SELECT digest, owner, name, salt, value, folded FROM vault "
                "WHERE digest IN :digests",
                digests=list(sealed),
            )
        }
        for digest, placed in sealed.items():
            where = f"{_at(placed.position)}, {placed.topic}"
            row = rows.get(digest)
            if row is None:
                if digest not in erased:
                    yield Difference(where, f"the text of {digest} is gone, but no fact erased it")
                gone += 1
                continue
            _, owner, name, salt, value, _ = row
            if digest_of(salt, name, value) != digest:
                yield Difference(where, f"the {name} in the vault is not the one of {digest}")
            if vault_row(Disclosure(digest, owner, name, salt, value)) != row:
                yield Difference(where, f"the {name} of {digest} has another folded form")
            if digest in erased:
                at = erased[digest]
                yield Difference(where, f"{digest} was erased at position {at}, but is still there")
            of = owner_in(json.loads(placed.state), digest)
            if of not in {None, owner}:
                yield Difference(where, f"the {name} is said to be of {owner}, and is of {of}")
            found, unsaid = found + 1, unsaid + (of is None)
        before = sealed
        progress(page[-1].position, head)
    (count,) = service.engine.query("SELECT count(*) FROM vault")[0]
    if count != found:
        yield Difference("the vault", f"{count - found} texts without a commitment")
    old = f"; {unsaid} of facts of version 0.1, which do not say whose" if unsaid else ""
    return f"{found} texts as they were committed to, {gone} erased{old}"


def kept_in(placed: Placed, content: Mapping[str, Any] | None = None) -> list[str]:
    """The commitments whose texts were kept; what somebody signs to be forgotten never is."""
    return [] if placed.topic == Contributor.Forgotten.TOPIC else commitments(placed, content)


def erased_in(journal: Journal) -> dict[str, int]:
    """What was erased, and the positions of the facts that erased it."""
    erased: dict[str, int] = {}
    for placed in journal.read(topics=tuple(erasing())):
        stream = [(one.position, one.fact()) for one in journal.facts.streams([placed[1]])]
        noun = BORN[type(stream[0][1])].told_by(stream)
        erased |= dict.fromkeys(placed.fact().erases(noun), placed.position)
    return erased


# -- the log -------------------------------------------------------------------------------


@at_one_moment
def log(service: Service, progress: Progress) -> Differences:
    """Every tile and every signed checkpoint is what the facts hash to."""
    size, head = service.log.size(), service.journal.facts.head()
    if size > head:
        yield Difference(_at(head + 1), f"the log holds {size} facts, the journal {head}")
    unfinished: dict[tuple[int, int], tuple[Tile, bytes]] = {}

    def read(tiles: Iterable[Tile]) -> list[bytes]:
        return [unfinished[tile.level, tile.number][1] for tile in tiles]

    done = 0
    for page in _pages(islice(service.journal.read(), size)):
        grown = grow(done, [leaf_hash(placed.leaf()) for placed in page], read)
        done += len(page)
        for tile, hashes in grown.items():
            unfinished[tile.level, tile.number] = tile, hashes
        finished = dict(one for one in unfinished.values() if one[0].width == TILE_WIDTH)
        yield from _changed(service.log, finished)
        unfinished = {at: one for at, one in unfinished.items() if one[0] not in finished}
        progress(done, size)
    yield from _changed(service.log, dict(unfinished.values()))
    expected = sum(1 for _ in tiles_of(size))
    (count,) = service.engine.query("SELECT count(*) FROM log_tiles")[0]
    if count != expected:
        yield Difference("the log", f"it has {count} tiles, and {size} facts make {expected}")
    signed = dict[int, bytes]()
    for one in service.log.checkpoints():
        signed[one.size] = one.note
        if one.size > size:
            yield Difference(f"the checkpoint of size {one.size}", f"the log holds {size} facts")
        elif why := _unbelievable(service.log, one):
            yield Difference(f"the checkpoint of size {one.size}", why)
    seen = yield from _cosigned(service.log, signed)
    seen_by = f", {seen} cosignatures" if seen else ""
    return f"{size} leaves in {expected} tiles, {len(signed)} checkpoints{seen_by}"


def _cosigned(log: Log, signed: Mapping[int, bytes]) -> Generator[Difference, None, int]:
    """Every cosignature is one of its witness, of a checkpoint that was signed."""
    keys, count = {f"{key.name}+{key.id.hex()}": key for key in log.witnesses}, 0
    for size, witness, time, line in log.engine.query(
        "SELECT size, witness, time, line FROM log_cosignatures ORDER BY size, witness"
    ):
        count += 1
        try:
            (found,) = read_signatures(line)
            text = Note.parse(signed.get(size, b"")).text
            is_its = (f"{found.name}+{found.key_id.hex()}", time_of(found.data)) == (witness, time)
            holds = witness not in keys or keys[witness].has_signed(text, found.data)
        except (NotVerified, ValueError):
            is_its = holds = False
        if not (is_its and holds):
            yield Difference(f"the checkpoint of size {size}", f"{witness} has not cosigned it so")
    return count


def _changed(log: Log, computed: dict[Tile, bytes]) -> Iterator[Difference]:
    stored = log.stored(computed)
    for tile, hashes in computed.items():
        held = stored.get((tile.level, tile.number), b"")
        if held == hashes:
            continue
        if tile.level == 0:
            leaf = next(
                (at for at in range(tile.width) if _hash(held, at) != _hash(hashes, at)), tile.width
            )
            position = tile.number * TILE_WIDTH + leaf + 1
            yield Difference(f"{_at(position)}, {tile.path}", "the fact is not the one in the log")
        else:
            yield Difference(tile.path, "the tile of the log is not the hash of those below it")


def _hash(hashes: bytes, at: int) -> bytes:
    return hashes[at * HASH_BYTES : (at + 1) * HASH_BYTES]


def _unbelievable(log: Log, signed: Signed) -> str:
    """Why a stored checkpoint cannot be one the log signed; empty if it can."""
    try:
        if log.signer is None:
            checkpoint = Checkpoint.parse(Note.parse(signed.note).text)
        else:
            checkpoint = open_checkpoint(signed.note, [log.signer.verifier]).checkpoint
    except NotVerified as problem:
        return str(problem)
    if checkpoint.size != signed.size or checkpoint.root != log.root(signed.size):
        return "its root is not that of the tree of its size"
    return ""


# -- the read tables -----------------------------------------------------------------------


def read_tables(service: Service, progress: Progress) -> Differences:
    """Folded again beside the tables in use, every row is the same.

    Followers are stopped while rows are compared. Only the owner of the tables can do this.
    """
    positions = service.store.positions()
    if len(set(positions.values())) != 1:
        yield Difference("the read tables", f"they are at different positions: {positions}")
    rebuild = Rebuild(service.journal, service.store)
    with service.store.writing() as writer:
        writer.lock()
        number = next_generation(writer)
        begin(writer, number)
    at, count = Generation(number, 0), None
    differing: list[Difference] = []
    try:
        while count is None and not differing:
            current = service.store.current()
            with uncollected():
                at = rebuild.fold_all(at, progress, current.position)
            if at.position != current.position:
                differing.append(
                    Difference(
                        _at(at.position + 1),
                        f"the read tables know {current.position} facts, the journal {at.position}",
                    )
                )
                break
            with service.store.writing() as writer:
                if _hold(writer, current):
                    count = _compare(writer, current.number, number, differing)
                    found = list(_documents(writer, current.number))
                    # What is not folded yet may have erased a text.
                    if service.journal.facts.head() == current.position:
                        differing += found
    finally:
        with service.store.writing() as writer:
            writer.lock()
            drop(writer, number)
    yield from differing
    return f"{count} rows of read tables, as folded again up to position {at.position}"


def _documents(writer: Transaction, generation: int) -> Iterator[Difference]:
    """The first document that is not what the rows and the texts give."""
    for held, told in islice(documents.differences(writer, generation), 1):
        yield Difference(
            f"documents, number {(held or told or (0,))[0]}",
            f"the table holds {_shown(held)}; the rows and the texts give {_shown(told)}",
        )


def _hold(writer: Transaction, at: Generation) -> bool:
    """Stop all followers until the end of the transaction; false if one has already advanced."""
    held = writer.execute(
        "UPDATE projections SET current = current WHERE current = 1 "
        "AND generation = :generation AND position = :position",
        generation=at.number,
        position=at.position,
    )
    return held == len(PROJECTIONS)


def _compare(writer: Transaction, current: int, again: int, differing: list[Difference]) -> int:
    """Add the differences between two generations; how many rows there are."""
    rows = 0
    for table in TABLES:
        names = table_name(table.name, current), table_name(table.name, again)
        counts = [int(writer.query(f"SELECT count(*) FROM {name}")[0][0]) for name in names]
        rows += counts[0]
        held, told = (_first_only_in(writer, table, *pair) for pair in (names, names[::-1]))
        if first := held or told:
            where = f"{table.name}, {_named(table, first)}"
            differing.append(
                Difference(where, f"the table holds {_shown(held)}; the facts give {_shown(told)}")
            )
        elif counts[0] != counts[1]:
            differing.append(
                Difference(
                    table.name, f"the table holds {counts[0]} rows; the facts give {counts[1]}"
                )
            )
    return rows


def _first_only_in(writer: Transaction, table: Table, one: str, other: str) -> Row | None:
    columns = ", ".join(table.all_columns)
    found = writer.query(
        f"SELECT {columns} FROM {one} EXCEPT SELECT {columns} FROM {other} "
        f"ORDER BY {_order(table)} LIMIT 1"
    )
    return found[0] if found else None


def _order(table: Table) -> str:
    """The column that orders the rows."""
    return "since" if table.key else "position" if "position" in table.places else "1"


def _named(table: Table, row: Row) -> str:
    by = _order(table)
    return _at(row[table.places[by]]) if by in table.places else f"{table.all_columns[0]} {row[0]}"


def _shown(row: Row | None) -> str:
    return "no such row" if row is None else f"({', '.join(map(repr, row))})"


# -- money ---------------------------------------------------------------------------------


@at_one_moment
def money(service: Service, progress: Progress) -> Differences:
    """Every share, division and payout computed again, and every balance as projected."""
    journal, verifier = service.journal, Verifier()
    head = journal.facts.head()

    def told() -> Iterator[tuple[int, Fact]]:
        for placed in journal.read():
            if placed.position % PAGE == 0:
                progress(placed.position, head)
            yield placed.position, placed.fact()

    for fault in verifier.read(told()):
        yield Difference(_at(fault.position), fault.what)
    yield from _computed(service)
    folded = service.store.current()
    if folded.position == verifier.books.position:
        yield from _projected(View(service.engine, folded.number, folded.position), verifier)
    count = verifier.counted
    entries = sum(count[kind.TOPIC] for kind in Entry.BIRTHS)
    return (
        f"agreements: {count['agreements']}; divisions, reversals and corrections: {entries}; "
        f"payouts: {count['payouts']}; postings: {count['postings']}, which sum to zero"
    )


def _computed(service: Service) -> Iterator[Difference]:
    """Every split computed again over the lineage as it was known at the time."""
    journal = service.journal
    stages_of = (Proposal.Posted, Proposal.Revised, Proposal.Continued)
    topics = [kind.TOPIC for kind in (Pool.Opened, *stages_of)]
    pools: dict[str, Pool.Opened] = {}
    stages: list[tuple[int, Proposal.Stage, list[dict[str, Any]]]] = []
    for placed in journal.read(topics=topics):
        happened = placed.fact()
        match happened:
            case Pool.Opened():
                pools[happened.originator_id] = happened
            case Proposal.Stage():
                stages.append((placed.position, happened, list(happened.assets)))
            case Proposal.Continued():
                stages[-1][2].extend(happened.assets)
    for position, stage, assets in stages:
        if stage.policy is None or stage.graph_position is None:
            continue
        works = pools[stage.pool].works
        known = Known(journal.facts, stage.graph_position)
        graph = known.lineage(stage.release, stage.default_rate)
        again = computed_assets(stage.policy, graph)
        if works is not None:
            again = eligible_assets(again, works, graph)
        if again != assets:
            yield Difference(_at(position), "the lineage at that time gives another split")


def _projected(view: View, verifier: Verifier) -> Iterator[Difference]:
    """The balances of the read tables against those of the verifier's own books."""
    known = {(each.payee, each.proposal): each.units for each in projected.accounts(view)}
    for key in {*known, *verifier.books.accounts}:
        units, again = known.get(key, {}), verifier.books.accounts.get(key, {})
        if {n: u for n, u in units.items() if u} != {n: u for n, u in again.items() if u}:
            payee, agreement = key
            where = f"the balance of {payee} under {agreement}"
            yield Difference(where, f"it is {units}; computed again it is {again}")


@at_one_moment
def books(service: Service, progress: Progress) -> Differences:
    """What commands about money decide by is what the facts give."""
    journal, anew = service.journal, Books()
    fold_after(anew, journal.facts)
    held: dict[str, str] = dict(service.engine.query("SELECT key, value FROM books"))
    progress(anew.position, anew.position)
    told = anew.rows()
    for key in sorted({*held, *told}):
        if held.get(key) != told.get(key):
            what = f"the row is {held.get(key)}; the facts give {told.get(key)}"
            yield Difference(f"books, {key.replace(BETWEEN, ' ')}", what)
    return f"{len(told)} rows, as the facts give them"


CHECKS: dict[str, Check] = {
    "journal": journal,
    "index": index,
    "histories": streams,
    "lineage": lineage,
    "rules": rules,
    "vault": vault,
    "log": log,
    "map": latest,
    "links": links,
    "signatures": signatures,
    "read tables": read_tables,
    "money": money,
    "triggers": guards,
    "books": books,
}
"""Every check by name, in order: a later one may rely on the earlier ones."""
