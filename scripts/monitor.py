"""Monitoring a log: reports every new fact about a person or a work, or signed by a key.

The one rule: nothing is reported unless the new leaves, appended to those of the last run,
hash to the signed root; and nothing is remembered before it was reported.

The state is one small file: the last checkpoint, the right edge of its tree, and the last fact of
each watched history. Earlier entries are not fetched again.

If only histories are watched, no entries are read at all: the signed map tells which fact is the
latest of each, and each fact links to the one before it.
"""

from __future__ import annotations

import json
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self

from domain.chain import Head, content_of, must_follow, named_in
from domain.checkpoint import Checkpoint, must_continue
from domain.latest import Latest, Place
from domain.note import KEY_ID_BYTES, Note, VerifierKey
from domain.receipt import Leaf, leaf_bytes, read_leaf
from domain.signature import check_signature, must_be_signed_for
from domain.tree import TILE_WIDTH, Frontier, NotVerified, entries_of, leaf_hash
from scripts.mirror import evidence_kept
from scripts.mirrored import bundles_of
from scripts.remote import Remote, Unreachable
from scripts.safe_file import alone, write_whole


class Watched(NamedTuple):
    """The people and works whose facts are reported, and the keys."""

    ids: frozenset[str]
    keys: tuple[VerifierKey, ...] = ()
    only_about: bool = False
    """Whether only facts in their histories are reported, so that entries need not be read."""

    @property
    def names(self) -> list[str]:
        """All watched ids and keys as text."""
        words = ["only about"] if self.only_about else []
        return [*words, *sorted((*self.ids, *map(str, self.keys)))]

    def may_be_in(self, entry: bytes) -> bool:
        """Whether an entry may contain any of them; if not, it need not be parsed."""
        # An entry with escapes is always parsed, because it can spell an id in several ways.
        needles = (*self.ids, *(key.name for key in self.keys))
        return b"\\" in entry or any(one.encode() in entry for one in needles)


@dataclass
class State:
    """What the last run remembered."""

    watched: list[str]
    checkpoint: str = ""
    """The signed note."""
    since: float = 0.0
    """When this checkpoint was first seen (seconds since 1970)."""
    edge: list[str] = field(default_factory=list)
    """The full subtrees of its tree, in base64."""
    heads: dict[str, Head] = field(default_factory=dict)
    """By watched person or work: its last fact."""
    has_map: bool = False
    """Whether the log has ever served a map of the latest facts."""

    @classmethod
    def read(cls, path: Path, watched: Watched) -> Self:
        """The state in a file; a new one if there is none."""
        if not path.exists():
            return cls(watched.names)
        try:
            state = cls(**json.loads(path.read_bytes()))
            state.heads = {id: Head(*head) for id, head in state.heads.items()}
        except (ValueError, TypeError, RecursionError) as problem:
            raise NotVerified(f"{path} is not the state of a monitor") from problem
        if state.watched != watched.names:
            raise NotVerified(f"{path} is of a monitor for {', '.join(state.watched)}")
        return state

    def tree(self) -> Checkpoint | None:
        """The checkpoint of the last run."""
        return (
            Checkpoint.parse(Note.parse(self.checkpoint.encode()).text) if self.checkpoint else None
        )


@contextmanager
def monitored(log: Remote, path: Path, watched: Watched) -> Iterator[list[dict[str, Any]]]:
    """The new facts of a log; the state is kept in a file once they are reported.

    NotVerified if the log does not continue that of the last run, or a fact about what is watched
    was left out of its history. For the rest see scripts.mirror.
    """
    with alone(path.with_name(f"{path.name}.lock")):  # two runs at once would report the same facts
        state = State.read(path, watched)
        note, trusted = log.checkpoint()
        old, new = state.tree(), trusted.checkpoint
        log.must_have_grown(trusted, old, state.since)
        # The witnesses may not have seen the tree of the last run yet.
        is_late = old is not None and log.is_witnessed and new.size < old.size
        new_facts: list[dict[str, Any]] = []
        with evidence_kept(note, path):
            if old is not None and is_late:
                log.prove_growth(new, old)
            else:
                if not watched.only_about:
                    new_facts = list(_read_on(log, state, new, watched))
                latest = list(_latest(log, state, watched))
                if watched.only_about:
                    asking = Asking(log, [new])
                    new_facts = list(_walk_back(asking, state, latest, watched))
                _must_agree(state, latest, new)
        yield new_facts
        if is_late:
            return
        if old is None or old.size != new.size:
            state.checkpoint, state.since = note.decode(), time.time()
        write_whole(path, json.dumps(asdict(state)).encode())


# -- by the map ----------------------------------------------------------------------------------


class Asking(NamedTuple):
    """A log from which single facts are requested."""

    log: Remote
    trees: list[Checkpoint]
    """The trusted tree, and those proved to belong to the same log."""

    def leaf(self, position: int) -> Leaf:
        """The fact at a position, proved to be in the same log as the trusted tree."""
        receipt = self.log.receipt(position)
        self.must_be_one_log(receipt.trusted.checkpoint)
        return receipt.leaf

    def must_be_one_log(self, tree: Checkpoint) -> None:
        """Raise NotVerified unless a tree and the trusted one belong to the same log."""
        if tree not in self.trees:
            self.log.prove_growth(*sorted((self.trees[0], tree), key=lambda one: one.size))
            self.trees.append(tree)


def _latest(log: Remote, state: State, watched: Watched) -> Iterator[Latest]:
    """The latest fact about each watched subject, as the log has signed it.

    A log of an older version has no map, or none without a key; one that had a map must keep it.
    """
    for id in sorted(watched.ids):
        try:
            latest = log.latest(id)
        except Unreachable as problem:
            is_unshown = problem.status in (401, 403, 404)
            if not is_unshown or state.has_map or watched.only_about:
                raise
            return
        state.has_map = True
        yield latest


def _walk_back(
    asking: Asking, state: State, latest: Sequence[Latest], watched: Watched
) -> Iterator[dict[str, Any]]:
    """The facts between the last run and the latest ones, in order, found backwards along links."""
    if (old := state.tree()) is not None:
        asking.log.prove_growth(old, asking.trees[0])
    leaves: dict[int, Leaf] = {}
    for one in latest:
        asking.must_be_one_log(one.trusted.checkpoint)
        known = state.heads.get(one.subject)
        place = one.place
        while place is not None and place.number > (0 if known is None else known.number):
            if place.position not in leaves:
                leaves[place.position] = asking.leaf(place.position)
            leaf = leaves[place.position]
            link = leaf.link_to(one.subject)
            if link.number != place.number:
                raise NotVerified(f"position {leaf.position} is not fact {place} of {one.subject}")
            place = Place(link.number - 1, link.previous) if link.previous else None
    logs = asking.log.names(asking.trees[0])
    for position in sorted(leaves):
        leaf = leaves[position]
        hash = leaf_hash(leaf_bytes(*leaf))
        yield from _about(leaf, hash, watched, state.heads, logs)


def _must_agree(state: State, latest: Sequence[Latest], tree: Checkpoint) -> None:
    """Raise NotVerified if a map contradicts the facts known about a subject.

    The map may be of a later tree than what was read.
    """
    for one in latest:
        head, place = state.heads.get(one.subject), one.place
        known = None if head is None else Place(head.number, head.position)
        is_later = place is not None and tree.size < place.position and (known or place) <= place
        if place != known and not is_later:
            shown = "none" if known is None else f"fact {known.number} at {known.position}"
            raise NotVerified(
                f"the signed map says that the latest fact about {one.subject} is {one.told()}, "
                f"and the log has {shown}"
            )


# -- by every entry ------------------------------------------------------------------------------


def _read_on(
    log: Remote, state: State, new: Checkpoint, watched: Watched
) -> Iterator[dict[str, Any]]:
    """The facts since the last run; NotVerified at the end if they are not what was signed."""
    old = state.tree()
    first = 0 if old is None else old.size
    if old is not None:
        must_continue(old, new)
    edge = Frontier(first, [b64decode(hash) for hash in state.edge])
    if old is not None and edge.root() != old.root:
        raise NotVerified("the state of the last run is damaged")
    found = []
    for bundle in bundles_of(new.size):
        start = bundle.number * TILE_WIDTH
        if start + bundle.width <= first:
            continue
        entries = entries_of(log.tile(bundle))
        if len(entries) != bundle.width:
            raise NotVerified(f"{bundle.path} holds {len(entries)} leaves, not {bundle.width}")
        for entry in entries[max(first - start, 0) :]:
            hash = leaf_hash(entry)
            edge.append(hash)
            if watched.may_be_in(entry):
                found.append((edge.size, read_leaf(entry), hash))
    if edge.root() != new.root:
        raise NotVerified(
            f"fork: the leaves since the last run do not continue its {first} leaves"
            if first
            else "the leaves do not hash to the root that was signed"
        )
    state.edge = [b64encode(hash).decode() for hash in edge.hashes]
    for position, leaf, hash in found:
        if leaf.position != position:
            raise NotVerified(
                f"position {position}: it says that it is at position {leaf.position}"
            )
        yield from _about(leaf, hash, watched, state.heads, log.names(new))


def _about(
    leaf: Leaf, hash: bytes, watched: Watched, heads: dict[str, Head], logs: set[str]
) -> Iterator[dict[str, Any]]:
    """The report of a fact, if it is about or signed by anything watched."""
    content = content_of(leaf)
    about = {link.subject: link.number for link in leaf.links if link.subject in watched.ids}
    for link in leaf.links:
        if link.subject in about:
            must_follow(link, leaf.position, heads.get(link.subject))
            heads[link.subject] = Head(link.number, leaf.position, b64encode(hash).decode())
    if missing := sorted((named_in(leaf, content) & watched.ids) - {*about}):
        raise NotVerified(
            f"position {leaf.position} is about {missing[0]} but is not in its history"
        )
    signer = _signer(leaf, content, watched.keys, logs)
    is_theirs = not watched.ids.isdisjoint(
        (leaf.originator_id, *map(content.get, ("actor", "work", "contributor")))
    )
    is_of_key = any(content.get("key") == str(key) for key in watched.keys)
    if about or signer or is_theirs or is_of_key:
        yield {
            "position": leaf.position,
            "recorded_at": content.get("timestamp"),
            "topic": leaf.topic,
            "of": leaf.originator_id,
            "about": about,
            "by": content.get("actor"),
            "signed_by": signer,
            "fact": content,
        }


def _signer(
    leaf: Leaf, content: Mapping[str, Any], keys: Sequence[VerifierKey], logs: set[str]
) -> str | None:
    """The watched key that signed a fact, if any; raises NotVerified if the signature is wrong."""
    id = _id_in(content.get("signature"))
    for key in keys:
        if (key.name, key.id) == (content.get("actor"), id):
            bound = must_be_signed_for(content, leaf.topic, leaf.originator_id, logs)
            signed = (content["actor"], content["message"], content["signature"])
            try:
                return str(check_signature(*signed, [key], bound))
            except NotVerified as problem:
                raise NotVerified(f"position {leaf.position}: {problem}") from None
    return None


def _id_in(signature: object) -> bytes:
    try:
        return b64decode(str(signature), validate=True)[:KEY_ID_BYTES]
    except ValueError:
        return b""
