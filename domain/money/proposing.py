"""Proposing: how shares are proposed, talked about, agreed, and taken or waived by their payees.

The one rule: whoever has a share can read so, answer within the window, and is asked at the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from domain.identity import new_id
from domain.moment import instant, start_of
from domain.money.apportionment import payee_key, whole_amount
from domain.money.consent import Consent
from domain.money.currency import currency_code
from domain.money.dividing import Dividing
from domain.money.keeping import pages, share_id
from domain.money.payee import is_person
from domain.money.policy.graph import Graph
from domain.money.policy.works import assets_of
from domain.money.pool import LEAST_COMMENT_DAYS, MOST_COMMENT_DAYS, Pool, pool_kind
from domain.money.proposal import (
    Assets,
    Comment,
    Content,
    Proposal,
    comment_kind,
    payees_of,
)
from domain.money.reckoning import by_terms, difference
from domain.money.shares import must_be_scope, shares_of, waived_in
from domain.money.split import ROUNDINGS, WITH_CARRY, read_terms
from domain.nouns import BORN
from domain.refusal import (
    BadAmount,
    BadSplit,
    CommentsOpen,
    IdTaken,
    NoShare,
    NotEligible,
    UnknownComment,
    UnknownProposal,
    UnknownRelease,
    WindowOpen,
    WindowTooShort,
    WrongState,
)
from domain.release import Release
from domain.sheet import Receipt, Sheet
from domain.work import Work


class Proposing(Dividing):
    """The commands about pools and shares."""

    def open_pool(
        self,
        *,
        actor: str,
        release: str,
        name: str,
        kind: str,
        currency: str,
        terms: Mapping[str, Any],
        rounding: str = WITH_CARRY,
        comment_days: int = LEAST_COMMENT_DAYS,
        deferral_minor: int = 0,
        works: Sequence[str] | None = None,
        id: str | None = None,
    ) -> Receipt:
        """Let money come in for a release, in one currency, under terms."""
        noun = self._get(Release, release, UnknownRelease)
        sheet, new = self._permitted(actor, "close a split", poster=noun.poster), self._new_id(id)
        if rounding not in ROUNDINGS:
            raise BadSplit("rounding", f"this is one of {', '.join(ROUNDINGS)}")
        _must_be_days(comment_days, LEAST_COMMENT_DAYS)
        if whole_amount(deferral_minor) < 0:
            raise BadAmount(deferral_minor, "it is negative")
        sheet.add(
            Pool.Opened,
            new,
            release=release,
            name=sheet.seal_text(actor, "name", name),
            kind=pool_kind(kind),
            currency=currency_code(currency),
            terms=dict(terms),
            rounding=rounding,
            comment_days=comment_days,
            deferral_minor=deferral_minor,
            works=None if works is None else [self._work(work).id for work in works],
        )
        opened = sheet.facts[-1]
        assert isinstance(opened, Pool.Opened)
        self._must_know(by_terms(opened, 1, {}).due)
        self.books()
        return self._birth(new, sheet, given=id is not None)

    # -- proposals -------------------------------------------------------------------------

    def post_proposal(
        self,
        *,
        actor: str,
        pool: str,
        assets: Sequence[Mapping[str, Any]] | None = None,
        policy: Mapping[str, Any] | None = None,
        graph_position: int | None = None,
        default_rate: str | None = None,
        comment_days: int | None = None,
        note: str | None = None,
        id: str | None = None,
    ) -> Receipt:
        """Propose shares: set by hand (assets), or computed by a policy over the lineage."""
        opened = self._pool(pool)
        sheet, new = self._closing(actor, opened.release), self._new_id(id)
        days = opened.comment_days
        if comment_days is not None:
            days = _must_be_days(comment_days, opened.comment_days)
        since = self.now
        for _, known in self._stream(new)[:1] if id is not None else ():
            # A repetition means the window and the lineage that were meant the first time.
            if isinstance(known, Proposal.Posted):
                since = known.timestamp
                graph_position = graph_position or known.graph_position
        content = self._content(opened, assets, policy, graph_position, default_rate)
        self._add_stage(
            sheet,
            Proposal.Posted,
            new,
            content.assets,
            pool=pool,
            release=opened.release,
            policy=content.policy,
            graph_position=content.graph_position,
            default_rate=content.default_rate,
            closes_at=instant(since + timedelta(days=days)),
            note=sheet.seal(actor, "note", note),
        )
        self.books()
        return self._birth(new, sheet, given=id is not None)

    def revise_proposal(
        self,
        *,
        actor: str,
        proposal: str,
        comments: Sequence[str],
        assets: Sequence[Mapping[str, Any]] | None = None,
        policy: Mapping[str, Any] | None = None,
        graph_position: int | None = None,
        default_rate: str | None = None,
        note: str | None = None,
    ) -> Receipt:
        """Change what is proposed because of comments, which are answered by it."""
        noun, sheet = self._proposal(proposal, actor)
        commenters = [_comment(noun, comment).actor for comment in comments]
        if not comments:
            raise BadSplit("comments", "a revision names the comments that caused it")
        content = self._content(self._pool(noun.pool), assets, policy, graph_position, default_rate)
        self._add_stage(
            sheet,
            Proposal.Revised,
            proposal,
            content.assets,
            version=noun.version + 1,
            **noun.line,
            policy=content.policy,
            graph_position=content.graph_position,
            default_rate=content.default_rate,
            comments=list(comments),
            commenters=list(dict.fromkeys(commenters)),
            note=sheet.seal(actor, "note", note),
        )
        return self._move_on(noun, sheet)

    def comment_on_proposal(
        self,
        *,
        actor: str,
        proposal: str,
        kind: str,
        text: str,
        about: str | None = None,
        id: str | None = None,
    ) -> Receipt:
        """Say what is wrong with a proposal: left out, too much, too little, or something else."""
        noun = self._get(Proposal, proposal, UnknownProposal)
        sheet, new = self._permitted(actor, "comment"), self._new_id(id)
        sheet.add(
            Proposal.Commented,
            proposal,
            version=noun.version + 1,
            **noun.line,
            comment=new,
            kind=comment_kind(kind),
            text=sheet.seal_text(actor, "text", text),
            about=None if about is None else self._about(noun, about),
        )
        for position, happened in noun.facts:
            if isinstance(happened, Proposal.Commented) and happened.comment == new:
                if not self._same(sheet, sheet.facts[0], happened):
                    raise IdTaken(new)
                return self._receipt(new, position)
        if noun.state == "open" and instant(self.now) >= noun.closes_at:
            raise WrongState(noun.NAME, noun.id, "closed for comments", ("open",))
        receipt = self._move_on(noun, sheet)
        receipt.id = new
        return receipt

    def _about(self, noun: Proposal, about: str) -> str:
        """The payee or asset of the proposal, or a person or work that may be missing from it.

        No other text: what people write is only kept where it can be erased.
        """
        assets = noun.current.assets
        named = {name for asset in assets for name in (asset["asset"], *asset.get("within", ()))}
        if about in named.union(payees_of(assets)):
            return about
        if (stream := self._stream(about)) and issubclass(BORN[type(stream[0][1])], Work):
            return about
        return self._contributor(about).id

    def answer_comment(self, *, actor: str, proposal: str, comment: str, text: str) -> Receipt:
        """Answer a comment on a proposal."""
        noun, sheet = self._proposal(proposal, actor)
        commenter = _comment(noun, comment).actor
        sealed = sheet.seal_text(actor, "text", text)
        content = {**noun.line, "comment": comment, "commenter": commenter, "text": sealed}
        return self._move(noun, sheet, Proposal.Answered, content)

    def extend_proposal(
        self, *, actor: str, proposal: str, closes_at: str, reason: str | None = None
    ) -> Receipt:
        """Let comments come in for longer."""
        noun, sheet = self._proposal(proposal, actor)
        later = start_of(closes_at)

        def check() -> None:
            if later <= noun.closes_at:
                raise WindowTooShort(f"longer than until {noun.closes_at}")

        sealed = sheet.seal(actor, "reason", reason)
        content = {**noun.line, "closes_at": later, "reason": sealed}
        return self._move(noun, sheet, Proposal.Extended, content, check)

    def withdraw_proposal(self, *, actor: str, proposal: str, reason: str) -> Receipt:
        """Propose this no longer."""
        noun, sheet = self._proposal(proposal, actor)
        sealed = sheet.seal_text(actor, "reason", reason)
        return self._move(noun, sheet, Proposal.Withdrawn, {**noun.line, "reason": sealed})

    def finalise_proposal(
        self, *, actor: str, proposal: str, effective_at: str | None = None
    ) -> Receipt:
        """Agree on the shares; every payee is asked, and what waited for it is divided.

        They hold for what was earned from ``effective_at`` on: if not said, from now on, and for
        the first agreement of a pool from ever.
        """
        noun, sheet = self._proposal(proposal, actor)
        since = start_of(effective_at) if effective_at is not None else None
        for position, happened in noun.facts:
            if isinstance(happened, Proposal.Finalised) and since in (None, happened.effective_at):
                return self._receipt(proposal, position)
        self._must_be_open(noun)
        if instant(self.now) < noun.closes_at:
            raise WindowOpen(noun.closes_at)
        if unanswered := tuple(each.id for each in noun.comments.values() if each.is_open):
            raise CommentsOpen(unanswered)
        books = self.books()
        earlier = books.pools[noun.pool].agreements
        content = noun.current
        shares = shares_of(content.assets, {})
        exact = [[payee, str(shares[payee])] for payee in sorted(shares, key=payee_key)]
        self._add_final(
            sheet,
            noun,
            exact,
            number=len(earlier) + 1,
            effective_at=since or (instant(self.now) if earlier else None),
            basis=content.policy and f"{content.policy['type']} {content.policy.get('version', 1)}",
            graph_position=content.graph_position,
        )
        for payee, share in exact:
            if is_person(payee):
                offer: dict[str, Any] = {
                    "proposal": proposal,
                    **noun.line,
                    "payee": payee,
                    "share": share,
                }
                sheet.add(Consent.Offered, share_id(proposal, payee), **offer)
        self._divide_waiting(sheet, noun.pool)
        receipt = self._write(proposal, sheet)
        receipt.position -= len(sheet.facts) - 1
        return receipt

    def _add_final(
        self, sheet: Sheet, noun: Proposal, shares: list[list[str]], **content: Any
    ) -> None:
        first, *more = pages(shares)
        version = noun.version + 1
        sheet.add(
            Proposal.Finalised, noun.id, version=version, **noun.line, shares=first, **content
        )
        for number, page in enumerate(more, start=version + 1):
            sheet.add(Proposal.Shared, noun.id, version=number, **noun.line, shares=page)

    # -- consent ---------------------------------------------------------------------------

    def accept_share(self, *, actor: str, proposal: str, contributor: str | None = None) -> Receipt:
        """Take the share that was agreed; what was held for it can be paid."""
        noun, sheet = self._share(actor, proposal, contributor)
        return self._move(noun, sheet, Consent.Accepted, noun.line)

    def decline_share(
        self,
        *,
        actor: str,
        proposal: str,
        contributor: str | None = None,
        reason: str | None = None,
    ) -> Receipt:
        """Do not agree to the share; what is due on it stays held."""
        noun, sheet = self._share(actor, proposal, contributor)
        sealed = sheet.seal(actor, "reason", reason)
        return self._move(noun, sheet, Consent.Declined, {**noun.line, "reason": sealed})

    def waive_share(
        self,
        *,
        actor: str,
        proposal: str,
        scope: str,
        contributor: str | None = None,
        reason: str | None = None,
    ) -> Receipt:
        """Give up what is one's own within a scope: a piece, an act, an episode, the release.

        It goes to the others there in proportion; what was divided already is corrected.
        """
        noun, sheet = self._share(actor, proposal, contributor)
        sealed = sheet.seal(actor, "reason", reason)
        books = self.books()
        before = books.agreements[proposal]
        must_be_scope(before.assets, noun.payee, scope)
        waivers = {**before.waivers, **waived_in(before.assets, noun.payee, scope)}
        shares_of(before.assets, waivers)  # refuses what nobody is left to get
        self._watch_money(noun.release)
        receipt = self._move(
            noun, sheet, Consent.Waived, {**noun.line, "scope": scope, "reason": sealed}
        )
        correction = Sheet(actor, self.now)
        books = self.books()
        after = books.agreements[proposal]
        if before.agreed and before.shares != after.shares:
            change = difference(before.shares, after.shares)
            self._correct(correction, books, new_id(None), proposal, before.agreed, change, sealed)
            self._write(proposal, correction)
        return receipt

    def _share(self, actor: str, proposal: str, contributor: str | None) -> tuple[Consent, Sheet]:
        """What was offered to a payee, or to the person they were merged into."""
        self._get(Proposal, proposal, UnknownProposal)
        payee = self._contributor(contributor).id if contributor is not None else actor
        sheet = self._permitted(actor, "answer for a share", contributor=payee)
        return self._get(Consent, share_id(proposal, payee), lambda _: NoShare(payee)), sheet

    # -- what these are made of ------------------------------------------------------------

    def _closing(self, actor: str, release: str) -> Sheet:
        noun = self._get(Release, release, UnknownRelease)
        return self._permitted(actor, "close a split", poster=noun.poster)

    def _proposal(self, id: str, actor: str) -> tuple[Proposal, Sheet]:
        noun = self._get(Proposal, id, UnknownProposal)
        return noun, self._closing(actor, noun.release)

    def _move_on(self, noun: Proposal, sheet: Sheet) -> Receipt:
        """Record a stage of a proposal that is open, unless it happened already.

        As with every change, that is the latest, and for an import what came after it came.
        """
        count = len(sheet.facts)
        first = len(noun.facts) - count if self.once is None else self.once.get(noun.id, 0)
        for start in range(max(first, 0), len(noun.facts) - count + 1):
            known = noun.facts[start : start + count]
            if all(map(partial(self._same, sheet), sheet.facts, (fact for _, fact in known))):
                self._come_to(noun.id, known[-1][1].originator_version)
                return self._receipt(noun.id, known[-1][0])
        self._must_be_open(noun)
        self.books()
        self._come_to(noun.id, noun.version + count)
        return self._write(noun.id, sheet)

    def _content(
        self,
        opened: Pool.Opened,
        assets: Sequence[Mapping[str, Any]] | None,
        policy: Mapping[str, Any] | None,
        graph_position: int | None,
        default_rate: str | None,
    ) -> Content:
        """What is proposed, as assets, whichever way it was found."""
        if (assets is None) == (policy is None):
            raise BadSplit("body", "shares are set by “assets” or computed by a “policy”, not both")
        if policy is not None:
            position = self._frozen(opened.release, graph_position)
            graph = self.journal.lineage(opened.release, position, default_rate)
            computed = computed_assets(policy, graph)
            content = Content(dict(policy), position, default_rate, computed)
        else:
            assert assets is not None
            read_terms({"type": "assets", "assets": assets})
            content = Content(None, None, None, [dict(asset) for asset in assets])
        if opened.works is not None:
            content = self._eligible(opened, opened.works, content)
            read_terms({"type": "assets", "assets": content.assets})
        self._must_know(payees_of(content.assets))
        return content

    def _frozen(self, release: str, position: int | None) -> int:
        """The position whose lineage counts: as asked, or of the publication, or the latest."""
        noun = self._get(Release, release, UnknownRelease)
        published = [at for at, happened in noun.facts if isinstance(happened, Release.Published)]
        return min([*published, self.after] if position is None else [position, self.after])

    def _eligible(self, opened: Pool.Opened, works: Sequence[str], content: Content) -> Content:
        """Only works within the components that have a right to the pool."""
        position = self._frozen(opened.release, content.graph_position)
        graph = self.journal.lineage(opened.release, position, "0")
        kept = eligible_assets(content.assets, works, graph)
        for asset in content.assets:
            if content.policy is None and asset not in kept:
                raise NotEligible(asset["asset"])
        return content._replace(assets=kept)

    def _must_be_open(self, noun: Proposal) -> None:
        if noun.state != "open":
            raise WrongState(noun.NAME, noun.id, noun.state, ("open",))


def computed_assets(policy: Mapping[str, Any], graph: Graph) -> Assets:
    """The assets that a policy comes to over a lineage: each work that keeps something."""
    return [
        {
            "asset": name,
            "value": str(value),
            "shares": [[payee, str(share)] for payee, share in holders],
        }
        for name, value, holders in assets_of(read_terms(policy, graph=graph), graph)
        if value
    ]


def eligible_assets(assets: Assets, works: Sequence[str], graph: Graph) -> Assets:
    """Those that are in one of these works; what is no work of the lineage is not asked."""
    allowed = {node for work in works for node in graph.lineage(work)}
    return [
        asset for asset in assets if asset["asset"] in allowed or asset["asset"] not in graph.nodes
    ]


def _must_be_days(days: object, least: int) -> int:
    if type(days) is not int or not least <= days <= MOST_COMMENT_DAYS:  # true is an int as well
        raise WindowTooShort(f"{least} to {MOST_COMMENT_DAYS} days")
    return days


def _comment(noun: Proposal, id: str) -> Comment:
    if id not in noun.comments:
        raise UnknownComment(id)
    return noun.comments[id]
