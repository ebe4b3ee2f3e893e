"""Audits the vault: every text is one to which a fact commits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.contributor import Contributor
from domain.fact import erasing
from domain.journal import Journal
from domain.nouns import BORN
from domain.seal import Disclosure, digest_of, owner_in
from domain.stored import Placed, vault_row
from projections.progress import Progress
from projections.wording import several
from scripts.bundle.whole import commitments
from scripts.difference import Difference, Differences, all_pages, at_one_moment, position
from scripts.service import Service


@at_one_moment
def vault(service: Service, progress: Progress) -> Differences:
    """Every commitment has its own text, or a fact that says it was erased."""
    erased, found, gone, unsaid = erased_in(service.journal), 0, 0, 0
    before: Mapping[str, Placed] = {}
    for page in all_pages(service, progress):
        sealed = {digest: placed for placed in page for digest in kept_in(placed)}
        # All facts of a command commit to the same signed message.
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
            where = f"{position(placed.position)}, {placed.topic}"
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
            of = owner_in(placed.content(), digest)
            if of not in {None, owner}:
                yield Difference(where, f"the {name} is said to be of {owner}, and is of {of}")
            found, unsaid = found + 1, unsaid + (of is None)
        before = sealed
    (count,) = service.engine.query("SELECT count(*) FROM vault")[0]
    if count != found:
        yield Difference("the vault", f"{several(count - found, 'text')} without a commitment")
    old = f"; {unsaid} of early facts, which do not say whose" if unsaid else ""
    return f"{found} texts as they were committed to, {gone} erased{old}"


def kept_in(placed: Placed, content: Mapping[str, Any] | None = None) -> list[str]:
    """The commitments of a fact whose texts are stored; a signed wish to be forgotten never is."""
    return [] if placed.topic == Contributor.Forgotten.TOPIC else commitments(placed, content)


def erased_in(journal: Journal) -> dict[str, int]:
    """Every erased commitment, with the position of the fact that erased it."""
    erased: dict[str, int] = {}
    for placed in journal.read(topics=tuple(erasing())):
        stream = [(one.position, one.fact()) for one in journal.facts.streams([placed[1]])]
        noun = BORN[type(stream[0][1])].told_by(stream)
        erased |= dict.fromkeys(placed.fact().erases(noun), placed.position)
    return erased
