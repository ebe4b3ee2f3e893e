"""Why something may not happen: every rule that can be broken has a refusal with a stable code.

The one rule: a refusal is raised before anything is recorded, and its ``code`` never changes.
"""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

REFUSALS: dict[str, type[Refusal]] = {}


class Refusal(Exception):
    """Something that may not happen, said in a sentence, with the particulars in ``details``."""

    code: ClassVar[str]

    def __init_subclass__(cls, *, listed: bool = True) -> None:
        if listed:
            REFUSALS[cls.code] = cls

    def __init__(self, message: str, **details: object) -> None:
        super().__init__(message)
        self.details = details


class UnknownContributor(Refusal):
    """No contributor has this id."""

    code = "unknown_contributor"

    def __init__(self, id: str) -> None:
        super().__init__(f"There is no contributor {id}.", id=id)


class UnknownWork(Refusal):
    """No contribution, outside source or release has this id."""

    code = "unknown_work"

    def __init__(self, id: str) -> None:
        super().__init__(f"There is no work {id}.", id=id)


class UnknownRemix(Refusal):
    """No remix edge has this id."""

    code = "unknown_remix"

    def __init__(self, id: str) -> None:
        super().__init__(f"There is no remix {id}.", id=id)


class UnknownCredit(Refusal):
    """No credit has this id."""

    code = "unknown_credit"

    def __init__(self, id: str) -> None:
        super().__init__(f"There is no credit {id}.", id=id)


class UnknownContribution(Refusal):
    """No contribution has this id."""

    code = "unknown_contribution"

    def __init__(self, id: str) -> None:
        super().__init__(f"There is no contribution {id}.", id=id)


class UnknownRelease(Refusal):
    """No release has this id."""

    code = "unknown_release"

    def __init__(self, id: str) -> None:
        super().__init__(f"There is no release {id}.", id=id)


class IdTaken(Refusal):
    """The id chosen by the client already stands for something else."""

    code = "id_taken"

    def __init__(self, id: str) -> None:
        super().__init__(f"The id {id} already stands for other content.", id=id)


class UnknownRole(Refusal):
    """The role is not in the vocabulary; add a free text beside the nearest role."""

    code = "unknown_role"

    def __init__(self, role: str) -> None:
        super().__init__(
            f"There is no role “{role}”; take one of the vocabulary and add “display”.", role=role
        )


class UnknownKind(Refusal):
    """The kind of a remix or a credit is not one of those documented."""

    code = "unknown_kind"

    def __init__(self, kind: str, kinds: tuple[str, ...]) -> None:
        super().__init__(
            f"There is no kind “{kind}”; it is one of {', '.join(kinds)}.", kind=kind, kinds=kinds
        )


class UnknownGround(Refusal):
    """The ground on which a person is to be forgotten is not one of those documented."""

    code = "unknown_ground"

    def __init__(self, ground: str, grounds: tuple[str, ...]) -> None:
        super().__init__(
            f"There is no ground “{ground}”; it is one of {', '.join(grounds)}.",
            ground=ground,
            grounds=grounds,
        )


class BadId(Refusal):
    """The id is not a UUID."""

    code = "bad_id"

    def __init__(self, id: str) -> None:
        super().__init__(f"“{id}” is not a UUID.", id=id)


class BadRate(Refusal):
    """A rate is an exact text from 0 to 1, such as "1/5" or "0.2", never a JSON number."""

    code = "bad_rate"

    def __init__(self, rate: object) -> None:
        super().__init__(
            f'“{rate}” is not a rate: an exact text from 0 to 1, such as "1/5" or "0.2".',
            rate=str(rate),
        )


class BadMadeAt(Refusal):
    """A making date is a year, a month, a day or a time, such as "1969" or "1969-10-14"."""

    code = "bad_made_at"

    def __init__(self, made_at: str) -> None:
        super().__init__(
            f"“{made_at}” is not a year, month, day or time (1969, 1969-10, 1969-10-14, "
            "1969-10-14T20:15:00Z).",
            made_at=made_at,
        )


class MadeInFuture(Refusal):
    """A piece can't have been made later than now."""

    code = "made_in_future"

    def __init__(self, made_at: str) -> None:
        super().__init__(f"“{made_at}” lies in the future.", made_at=made_at)


class BadUri(Refusal):
    """An outside source is named by an absolute URI."""

    code = "bad_uri"

    def __init__(self, uri: str) -> None:
        super().__init__(f"“{uri}” is not an absolute URI.", uri=uri)


class BadText(Refusal):
    """The text is empty, or holds a character that cannot be kept (NUL, a lone surrogate)."""

    code = "bad_text"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}.", field=field)


class TextTooLong(Refusal):
    """The text is longer than the field allows."""

    code = "text_too_long"

    def __init__(self, field: str, limit: int) -> None:
        super().__init__(f"{field}: longer than {limit} characters.", field=field, limit=limit)


class ParentNotOlder(Refusal):
    """A parent must have been made before its child; otherwise the graph could close a circle."""

    code = "parent_not_older"

    def __init__(self, **dates: str | None) -> None:
        super().__init__(
            "The parent {parent} was made at {parent_made_at}, not before its child {child} at "
            "{child_made_at}: the edge could close a circle. State or correct a making date, as "
            "exactly as it is known.".format(**dates),
            **dates,
        )


class SelfRemix(Refusal):
    """A work can't be made from itself."""

    code = "self_remix"

    def __init__(self, id: str) -> None:
        super().__init__(f"The work {id} can't be its own source.", id=id)


class NoSource(Refusal):
    """A source is named either by the work it is or by its URI, not both and not neither."""

    code = "no_source"

    def __init__(self) -> None:
        super().__init__("Name the source by exactly one of its work id and its URI.")


class NoComponents(Refusal):
    """A release is made of at least one work, none of them twice."""

    code = "no_components"

    def __init__(self) -> None:
        super().__init__("A release is made of at least one component, none of them twice.")


class WrongState(Refusal):
    """The noun is in a state in which this can't happen (accepted twice, settled undisputed)."""

    code = "wrong_state"

    def __init__(self, noun: str, id: str, state: str, allowed: tuple[str, ...]) -> None:
        super().__init__(
            f"This {noun} is {state}; only one that is {' or '.join(allowed)} can do that.",
            id=id,
            state=state,
            allowed=allowed,
        )


class ContributorForgotten(Refusal):
    """The contributor was forgotten: nobody can act as them or be credited as them any more."""

    code = "contributor_forgotten"

    def __init__(self, id: str) -> None:
        super().__init__(f"The contributor {id} was forgotten.", id=id)


class UnknownGrounds(Refusal):
    """The grounds of a dispute are not among those documented; “other” leaves it to the reason."""

    code = "unknown_grounds"

    def __init__(self, grounds: str, known: tuple[str, ...]) -> None:
        super().__init__(
            f"There are no grounds “{grounds}”; they are one of {', '.join(known)}.",
            grounds=grounds,
            known=known,
        )


class BadOutcome(Refusal):
    """A dispute ends in one of the ways documented; only a correction names another instead."""

    code = "bad_outcome"

    def __init__(self, outcome: str, reason: str) -> None:
        super().__init__(f"A dispute can't end “{outcome}” like this: {reason}.", outcome=outcome)


class BadDeadline(Refusal):
    """The other side has 7 to 180 days to answer a dispute; 30 if nothing is said."""

    code = "bad_deadline"

    def __init__(self, answer_by: str, earliest: str, latest: str) -> None:
        super().__init__(
            f"“{answer_by}” is too early or too late to answer by: say a moment from {earliest} "
            f"to {latest}.",
            answer_by=answer_by,
            earliest=earliest,
            latest=latest,
        )


class AlreadyAnswered(Refusal):
    """A dispute is answered once; then it can't expire, it waits for a decision."""

    code = "already_answered"

    def __init__(self, id: str) -> None:
        super().__init__(f"The dispute about {id} was answered; it waits for a decision.", id=id)


class TooLate(Refusal):
    """The time to answer the dispute has passed."""

    code = "too_late"

    def __init__(self, id: str, deadline: str) -> None:
        super().__init__(
            f"The dispute about {id} could be answered until {deadline}.", id=id, deadline=deadline
        )


class NotYet(Refusal):
    """The dispute can't expire before the time to answer it has passed."""

    code = "not_yet"

    def __init__(self, id: str, deadline: str) -> None:
        super().__init__(
            f"The dispute about {id} can still be answered, until {deadline}.",
            id=id,
            deadline=deadline,
        )


class NotPublished(Refusal):
    """The release was not published, so there is no lineage as published."""

    code = "not_published"

    def __init__(self, id: str) -> None:
        super().__init__(f"The work {id} was not published.", id=id)


class NotInLog(Refusal):
    """The log does not hold this, or no signed checkpoint covers it yet."""

    code = "not_in_log"

    def __init__(self, what: str) -> None:
        super().__init__(f"The log does not hold {what}, or has not signed it yet.", what=what)


class BadCosignature(Refusal):
    """No witness of this log has signed this checkpoint of it, or not at this time."""

    code = "bad_cosignature"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The cosignature is not kept: {reason}.", reason=shown(reason))


class MergeCircle(Refusal):
    """Two contributors can't be merged into each other, nor one into itself."""

    code = "merge_circle"

    def __init__(self, id: str, into: str) -> None:
        super().__init__(f"Merging {id} into {into} would close a circle.", id=id, into=into)


class NotPermitted(Refusal):
    """The key that asked may not act for this person or decide this."""

    code = "not_permitted"

    def __init__(self, actor: str, verb: str) -> None:
        super().__init__(f"{actor} may not do this here: {verb}.", actor=actor, verb=verb)


class BadSigningKey(Refusal):
    """The key can't be registered or revoked: it is none, another's, or used up."""

    code = "bad_signing_key"

    def __init__(self, reason: str) -> None:
        super().__init__(f"This key can't be taken: {reason}.", reason=reason)


class BadSignature(Refusal):
    """The signature of the request does not hold, or not for what would be recorded."""

    code = "bad_signature"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The signature is not accepted: {reason}.", reason=reason)


class Busy(Refusal):
    """Others wrote about the same works at the same moment, again and again; try once more."""

    code = "busy"

    def __init__(self) -> None:
        super().__init__("Others are writing about the same works just now; try again.")


class BadSplit(Refusal):
    """What should be divided is not said in the documented form."""

    code = "bad_split"

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}.", where=where, reason=reason)


class BadAmount(Refusal):
    """An amount is a whole number of a currency's smallest units, and no longer than allowed."""

    code = "bad_amount"

    def __init__(self, amount: object, reason: str) -> None:
        super().__init__(
            f"The amount {shown(amount)} can't be divided: {reason}.",
            amount=shown(amount),
            reason=reason,
        )


class BadCurrency(Refusal):
    """A currency is a code of ISO 4217 that has a smallest unit, such as USD."""

    code = "bad_currency"

    def __init__(self, currency: object) -> None:
        super().__init__(
            f"“{shown(currency)}” is not a currency of ISO 4217 with a smallest unit.",
            currency=shown(currency),
        )


class BadShare(Refusal):
    """A share or weight is an exact text such as "1/3" or "0.25"; some must be more than 0."""

    code = "bad_share"

    def __init__(self, where: str, share: object, reason: str) -> None:
        super().__init__(
            f"{where}: “{shown(share)}” is no share: {reason}.", where=where, share=shown(share)
        )


class BadCarry(Refusal):
    """What is carried over adds up to 0, in exact parts, over the payees of the division."""

    code = "bad_carry"

    def __init__(self, reason: str) -> None:
        super().__init__(f"This can't be carried over: {reason}.", reason=reason)


class BadPolicy(Refusal):
    """The policy is not one of the documented forms, or a part of it contradicts another."""

    code = "bad_policy"

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}.", where=where, reason=reason)


class BadGraph(Refusal):
    """The graph is not in the documented form, or does not hold what the policy asks of it."""

    code = "bad_graph"

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}.", where=where, reason=reason)


class LineageCircle(Refusal):
    """A work would be made from itself, by way of others."""

    code = "lineage_circle"

    def __init__(self, circle: tuple[str, ...]) -> None:
        super().__init__(f"The lineage closes a circle: {' → '.join(circle)}.", circle=circle)


class RatesOverWhole(Refusal):
    """What goes to others by rate is more than the whole."""

    code = "rates_over_whole"

    def __init__(self, where: str, total: Fraction) -> None:
        super().__init__(
            f"{where}: the rates add up to {shown(total)}, more than the whole.",
            where=where,
            total=shown(total),
        )


class CapExceeded(Refusal):
    """A work's stack, all that its ancestors are owed, passes the cap."""

    code = "cap_exceeded"

    def __init__(self, node: str, stack: Fraction, cap: Fraction) -> None:
        super().__init__(
            f"The ancestors of {node} would be owed {shown(stack)} of it, more than the cap of "
            f"{shown(cap)}.",
            node=node,
            stack=shown(stack),
            cap=shown(cap),
        )


class SplitTooLarge(Refusal):
    """The case is larger than what is divided in one request."""

    code = "split_too_large"

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(f"There are more {what} than the {limit} allowed.", what=what, limit=limit)


class UnbalancedDivision(Refusal):
    """A division breaks a law: every unit is given once, and nobody is paid without a share."""

    code = "unbalanced_division"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The division does not balance: {reason}.", reason=reason)


class UnknownPool(Refusal):
    """No pool has this id."""

    code = "unknown_pool"

    def __init__(self, id: str) -> None:
        super().__init__(f"There is no pool {id}.", id=id)


class UnknownProposal(Refusal):
    """No proposal has this id."""

    code = "unknown_proposal"

    def __init__(self, id: str) -> None:
        super().__init__(f"There is no proposal {id}.", id=id)


class UnknownComment(Refusal):
    """No comment on this proposal has this id."""

    code = "unknown_comment"

    def __init__(self, id: str) -> None:
        super().__init__(f"There is no comment {id} on this proposal.", id=id)


class UnknownRevenue(Refusal):
    """No revenue has this id."""

    code = "unknown_revenue"

    def __init__(self, id: str) -> None:
        super().__init__(f"There is no revenue {id}.", id=id)


class UnknownExpense(Refusal):
    """No expense has this id."""

    code = "unknown_expense"

    def __init__(self, id: str) -> None:
        super().__init__(f"There is no expense {id}.", id=id)


class UnknownDivision(Refusal):
    """No division has this id."""

    code = "unknown_division"

    def __init__(self, id: str) -> None:
        super().__init__(f"There is no division {id}.", id=id)


class UnknownPayout(Refusal):
    """No payout has this id."""

    code = "unknown_payout"

    def __init__(self, id: str) -> None:
        super().__init__(f"There is no payout {id}.", id=id)


class UnknownBatch(Refusal):
    """No payout batch has this id."""

    code = "unknown_batch"

    def __init__(self, id: str) -> None:
        super().__init__(f"There is no payout batch {id}.", id=id)


class UnknownScope(Refusal):
    """The scope of a waiver is an asset, a part of the work, or “release”, with a share in it."""

    code = "unknown_scope"

    def __init__(self, scope: str, scopes: tuple[str, ...]) -> None:
        super().__init__(
            f"There is no share to waive over “{shown(scope)}”; there is over "
            f"{', '.join(scopes) or 'nothing'}.",
            scope=shown(scope),
            scopes=scopes,
        )


class NoShare(Refusal):
    """This person has no share in this agreement, or nothing was agreed yet."""

    code = "no_share"

    def __init__(self, payee: str) -> None:
        super().__init__(f"{payee} was not offered a share by this proposal.", payee=payee)


class NotEligible(Refusal):
    """This work has no right to the pool: it is in none of the components that the pool is for."""

    code = "not_eligible"

    def __init__(self, asset: str) -> None:
        super().__init__(f"The work {asset} has no right to this pool.", asset=asset)


class WindowTooShort(Refusal):
    """A proposal is open for comments at least 14 days, or as many as its pool says."""

    code = "window_too_short"

    def __init__(self, least: str) -> None:
        super().__init__(f"The window for comments must be {least}.", least=least)


class WindowOpen(Refusal):
    """Nothing is final before the window for comments has closed."""

    code = "window_open"

    def __init__(self, closes_at: str) -> None:
        super().__init__(f"Comments can be made until {closes_at}.", closes_at=closes_at)


class CommentsOpen(Refusal):
    """Nothing is final before every comment has been answered."""

    code = "comments_open"

    def __init__(self, comments: tuple[str, ...]) -> None:
        super().__init__(
            f"Comments that wait for an answer: {', '.join(comments)}.", comments=comments
        )


class ReversalTooLarge(Refusal):
    """No more can be taken back than is left of the revenue."""

    code = "reversal_too_large"

    def __init__(self, left_minor: int) -> None:
        super().__init__(f"Only {left_minor} units of it are left.", left_minor=left_minor)


class NothingToCorrect(Refusal):
    """Everything that was divided stands under the agreement that holds for it."""

    code = "nothing_to_correct"

    def __init__(self) -> None:
        super().__init__("Every division stands under the agreement that holds for its date.")


class NothingToPay(Refusal):
    """Nobody is owed enough that may be paid now."""

    code = "nothing_to_pay"

    def __init__(self, currency: str, minimum_minor: int) -> None:
        super().__init__(
            f"Nobody is owed {minimum_minor} units of {currency} or more that may be paid now.",
            currency=currency,
            minimum_minor=minimum_minor,
        )


class StatementTooLong(Refusal):
    """The statement has more lines than a PDF holds; a shorter period has fewer, CSV any number."""

    code = "statement_too_long"

    def __init__(self, lines: int, limit: int) -> None:
        super().__init__(
            f"The statement has {lines} lines, and a PDF at most {limit}. "
            "Ask for a shorter period, for one currency, or for CSV.",
            lines=lines,
            limit=limit,
        )


class TooLarge(Refusal):
    """What was said does not fit into one fact."""

    code = "fact_too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"This is more than {limit} bytes.", limit=limit)


def shown(value: object) -> str:
    """A value as a refusal quotes it: not longer than a line."""
    if isinstance(value, Fraction | int) and max(abs(value.numerator), value.denominator) >> 300:
        return "a number of very many digits"
    # Half of a surrogate pair can't be sent back.
    text = str(value).encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= 100 else f"{text[:99]}…"
