"""Refusals: every rule that can be broken has one, with a stable code.

A refusal is raised before anything is recorded. Its code is its name, and neither changes. They
are in one file because they are one list.
"""

from __future__ import annotations

import re
from fractions import Fraction
from string import Formatter
from typing import Any, ClassVar, NamedTuple

from domain.printable import printable

MOST_LISTED = 20
"""How many texts of a list a refusal names; the others are counted."""

MOMENT = re.compile(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d):[\d.]+Z$")

REFUSALS: dict[str, type[Refusal]] = {}
"""Every refusal by its code."""


def spelled(cls: type) -> str:
    """The name of a class as an identifier: UnknownWork is ``unknown_work``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


class Refusal(Exception):
    """Something that may not happen, in a sentence, with the particulars in ``details``.

    The sentence is a template; values in quotation marks come from the request, and are shortened
    to a line; moments are given to the minute. What is stated by name is a particular that the
    sentence does not tell.
    """

    code: ClassVar[str]
    """Its name as an identifier, but for one."""
    status: ClassVar[int] = 422
    """The status over HTTP: by default, no repetition of the request can succeed."""
    says: ClassVar[str] = ""
    """The template."""
    wrong: tuple[Wrong, ...] = ()
    """If a value was refused: every value of the request that is."""

    def __init_subclass__(
        cls, *, says: str = "", status: int = 0, code: str = "", listed: bool = True
    ) -> None:
        cls.code = code or spelled(cls)
        cls.says = says or cls.says
        cls.status = status or cls.status
        if listed:
            REFUSALS[cls.code] = cls

    def __init__(self, *values: object, **particulars: object) -> None:
        names = dict.fromkeys(name for _, name, _, _ in Formatter().parse(self.says) if name)
        quoted = {name for name in names if f"“{{{name}}}”" in self.says}
        self.details: dict[str, object] = {
            name: shown(value) if name in quoted or not _is_plain(value) else value
            for name, value in zip(names, values, strict=True)
        }
        told = {n: _listed(v) if isinstance(v, tuple) else v for n, v in self.details.items()}
        told |= {n: MOMENT.sub(r"\1 \2 UTC", str(told[n])) for n in told.keys() - quoted}
        super().__init__(self.says.format(**told))
        self.details |= {
            n: v[:MOST_LISTED] for n, v in self.details.items() if isinstance(v, tuple)
        } | particulars


class Wrong(NamedTuple):
    """A value that is refused, and its place in the request."""

    path: tuple[str | int, ...]
    refusal: Refusal


class Unknown(Refusal, listed=False, status=404):
    """Nothing is known by this id."""

    def __init_subclass__(cls, *, says: str = "", **further: Any) -> None:
        super().__init_subclass__(**further)
        cls.says = says or f"There is no {cls.noun().replace('_', ' ')} {{id}}."

    @classmethod
    def noun(cls) -> str:
        """What there is none of, as in its code."""
        return cls.code.removeprefix("unknown_")


class Conflict(Refusal, listed=False, status=409):
    """The recorded state forbids it; another request may change that."""


def _unknown(noun: str, says: str = "") -> type[Unknown]:
    """The refusal of an id that no noun of a kind has; ``says`` is its description, if not this."""
    name = f"Unknown{noun.title().replace('_', '')}"
    return type(name, (Unknown,), {"__doc__": says or f"No {noun.replace('_', ' ')} has this id."})


UnknownContributor = _unknown("contributor")
UnknownWork = _unknown("work", "No contribution, outside source or release has this id.")
UnknownRemix = _unknown("remix")
UnknownJoin = _unknown("join")
UnknownCredit = _unknown("credit")
UnknownContribution = _unknown("contribution")
UnknownRelease = _unknown("release")
UnknownProject = _unknown("project")
UnknownStep = _unknown("step", "No step of a project has this id.")
UnknownChallenge = _unknown("challenge")
UnknownMembership = _unknown("membership", "No membership of a group has this id.")
UnknownKey = _unknown("key", "No key of the holder has this id.")
UnknownWebhook = _unknown("webhook", "No webhook of the holder has this id.")
UnknownMailbox = _unknown(
    "mailbox", "No mailbox has this token any more: the address was changed or removed."
)
UnknownIdentifier = _unknown("identifier")
UnknownExchangeRate = _unknown("exchange_rate")
UnknownWithholding = _unknown("withholding", "No rule of withholding has this id.")
UnknownPaymentCurrency = _unknown(
    "payment_currency", "No choice of a payment currency has this id."
)
UnknownPool = _unknown("pool")
UnknownProposal = _unknown("proposal")
UnknownComment = _unknown("comment", "No comment has this id; on a proposal, none of its own.")
UnknownRevenue = _unknown("revenue")
UnknownExpense = _unknown("expense")
for _booked in (UnknownRevenue, UnknownExpense):
    _booked.says += " If it is a reversal: that stays; what is booked after all is recorded anew."
UnknownEntry = _unknown(
    "entry", "No ledger entry has this id: no division, reversal or correction."
)
UnknownPayout = _unknown("payout")


class GroupInGroup(
    Conflict, says="{contributor} can't be in {group}: only people can be members of a group."
):
    """A group consists of people; it can't be in a group or contain one."""


class OneSubject(Refusal, says="Name what it is about: one of {names}."):
    """Exactly one thing is to be named; what is named beside it has to agree with it."""


class EditingOver(Conflict, says="The comment could be edited until {until}."):
    """A comment can only be edited within the time that this installation allows."""


class NoSteps(Refusal, says="A project needs at least one step."):
    """A project needs at least one step to be launched."""


class NoLeaders(Refusal, says="A project needs at least one leader."):
    """A project needs a leader; the operator names one, as nobody leads it otherwise."""


class LastLeader(
    Conflict, says="Nobody else leads the project {id}: assign another leader first, or close it."
):
    """The last leader of a project can't be removed; assign another, or close it."""


class ChallengeOver(Conflict, says="The challenge could be answered until {until}."):
    """The time to answer the challenge has passed."""


class UntilPassed(Refusal, says="“{until}” has passed already."):
    """A deadline that has passed already can't be set."""


class IdTaken(Conflict, says="The id {id} is already taken by other content."):
    """The id chosen by the client is already taken by something else."""


class BadIdempotencyKey(
    Refusal,
    says="“{key}” is not an idempotency key: 1 to {limit} visible ASCII characters, without "
    "quotation marks, backslashes or commas.",
):
    """An idempotency key is a short word of visible ASCII characters, such as a UUID."""


class IdempotencyKeyReused(
    Refusal, says="The idempotency key belongs to another request, recorded at position {position}."
):
    """The idempotency key belongs to a request with other content; take a new one."""


class UnknownRequest(
    Unknown, says="Nothing is recorded under the idempotency key “{key}”, or not yet; repeat it."
):
    """Nothing is recorded under this idempotency key, or not yet; repeat the request with it."""


class UnknownRole(
    Refusal,
    says="There is no role “{role}”; the nearest are {nearest}. One can be shown as you say it.",
):
    """The role is not in the vocabulary; take the nearest role and add a free text."""


class BadRole(Refusal, says="“{role}” can't be granted or ended here: {reason}."):
    """The role can't be granted or ended: there is no such role, or it is not for this."""


class UnknownKind(Refusal, says="There is no kind “{kind}”; it is one of {kinds}."):
    """The kind of a remix or a credit is not one of those documented."""


class UnknownErasureGround(Refusal, says="There is no ground “{ground}”; it is one of {grounds}."):
    """The ground on which a person is to be forgotten is not one of those documented."""


class BadId(Refusal, says="“{id}” is not a UUID."):
    """The id is not a UUID."""


class BadRate(
    Refusal, says="“{rate}” is not a rate from 0 to 1, such as 1/5 or 0.2; in a form, also 20 %."
):
    """A rate is an exact text from 0 to 1, such as "1/5" or "0.2", never a JSON number."""


class BadMadeAt(
    Refusal,
    says="“{made_at}” is not a year, month, day or time (1969, 1969-10, 1969-10-14, "
    "1969-10-14T20:15:00Z); when a work was made may be an EDTF date (1970~, [..2003]).",
):
    """A date is a year, a month, a day or a time; when a work was made may be an EDTF date."""


class BadPeriod(Refusal, says="The period from {since} to {before} ends before it begins."):
    """A period ends no earlier than it begins."""


class EarnedInFuture(
    Refusal, says="“{effective_at}” is in the future: nothing can have been earned or spent yet."
):
    """Nothing can have been earned or spent later than now."""


class MadeInFuture(Refusal, says="“{made_at}” is in the future."):
    """A piece can't have been made later than now."""


class BadUri(Refusal, says="“{uri}” is not an absolute URI."):
    """An outside source is named by an absolute URI."""


class BadText(Refusal, says="{field}: {reason}."):
    """The text is empty, or contains a character that cannot be stored (NUL, a lone surrogate)."""


class TextTooLong(Refusal, says="{field}: longer than {limit} characters."):
    """The text is longer than the field allows."""


class SelfRemix(Refusal, says="The work {id} can't be its own source."):
    """A work can't be made from itself."""


class NoSource(
    Refusal, says="Name the source by its work id or by its URI: by exactly one of them."
):
    """A source is named by its work id or by its URI, by exactly one of them."""


class NoComponents(Refusal, says="A release is made of at least one component."):
    """A release is made of at least one work."""


class RepeatedComponent(
    Refusal,
    says="The work {work} is one component of the release, wherever it is used: it has one rate, "
    "and all its places are stated of that one.",
):
    """What is used again in a release is one component with several places, paid once."""


class NotOfRelease(
    Refusal,
    says="The work {child} is not a release: only a component of a release can be replaced.",
):
    """Only a component of a release can be replaced; a piece that is recut is another piece."""


class WrongState(
    Conflict, says="This {noun} is {state}; this can only be done while it is {allowed}."
):
    """The noun is in a state in which this can't happen (accepted twice, settled undisputed)."""

    def __init__(self, noun: str, id: str, state: str, allowed: tuple[str, ...]) -> None:
        super().__init__(noun, state, " or ".join(allowed))
        self.details |= {"id": id, "allowed": allowed}


class ContributorForgotten(Conflict, says="The contributor {id} was forgotten."):
    """The contributor was forgotten: no one can act or be credited as them any more."""


class UnknownGrounds(Refusal, says="“{grounds}” is not among the grounds for a dispute: {known}."):
    """The grounds of a dispute are not among those documented; with “other” the reason explains."""


class BadOutcome(Refusal, says="A dispute can't end “{outcome}”: {reason}."):
    """A dispute ends with one of the documented outcomes; only a correction names a replacement."""


class BadDeadline(
    Refusal,
    says="“{answer_by}” is too early or too late to answer by: state a moment from {earliest} "
    "to {latest}.",
):
    """The other side has 7 to 180 days to answer a dispute; the default is 30."""


class AlreadyAnswered(
    Conflict, says="The dispute about {id} was answered and waits for a decision."
):
    """A dispute is answered once; then it can't expire, but waits for a decision."""


class TooLate(Conflict, says="The dispute about {id} could be answered until {deadline}."):
    """The time to answer the dispute has passed."""


class NotYet(Conflict, says="The dispute about {id} can still be answered, until {deadline}."):
    """The dispute can't expire before the time to answer it has passed."""


class NotPublished(Conflict, says="The work {id} was not published."):
    """The release was not published, so there is no lineage as published."""


class NotInLog(Unknown, says="The log does not contain {what}, or has not signed it yet."):
    """The log does not contain this, or no signed checkpoint covers it yet."""


class MapNotKept(
    Unknown,
    says="Proofs of the latest fact are given for the latest checkpoints, and back to the one that "
    "witnesses have seen; that of size {size} is too old. The oldest is of size {oldest}.",
):
    """The checkpoint is too old for a proof from its map of the latest facts."""


class BadCosignature(Refusal, says="The cosignature is not accepted: {reason}."):
    """No witness of this log has signed this checkpoint of it, or not at a valid time."""


class CannotJoin(Conflict, says="{work} and {into} cannot become one: {reason}."):
    """These two works cannot become one."""


class MergeCycle(Conflict, says="Merging {id} into {into} would form a cycle."):
    """Two contributors can't be merged into each other, nor one into itself."""


class NotPermitted(Refusal, says="{actor} may not {verb} here. {open_to}", status=403):
    """This key may not act for this person or make this decision."""


class BadScope(Refusal, says="“{scope}” is not accepted as a scope: {reason}."):
    """A scope has words of the documented list, and no key gives more than it has itself."""


class BadExpiry(Refusal, says="“{expires_at}” is not accepted as the end of a key: {reason}."):
    """A key expires in the future, and not later than the key that makes it."""


class BadWebhook(Refusal, says="“{url}” is not accepted for a webhook: {reason}."):
    """A webhook goes to a public address by https, and nobody may have very many."""


class BadAddress(Refusal, says="This is not accepted as an address for mail: {reason}."):
    """Mail goes to a public address, if the installation sends mail, and not twice at once."""


class QuotaExceeded(Refusal, says="At most {most} {what} {per}; {again}.", status=429):
    """This person has reached the quota for this; the answer says when they may go on."""

    def __init__(self, most: int, what: str, per: str, frees_at: str | None) -> None:
        again = "when one is answered" if frees_at is None else f"again from {frees_at}"
        super().__init__(most, what, per, again)
        self.details["frees_at"] = frees_at


class LicenceConflict(
    Refusal, says="{child} may not be made from {parent} under {licence}: {rule} ({code_of_rule})."
):
    """The licence of a source does not allow what is made from it (see the licences of a work)."""


class LicenceNotAgreed(
    Conflict,
    says="The work {work} is under “{before}”; it can be under “{licence}” once those "
    "credited agree (credit.agree-licence). Still missing: {credits}.",
):
    """A licence changes once everybody credited directly on the work has agreed to it."""


class EvidenceMissing(
    Refusal, says="A dispute needs evidence: a link, a document, a conversation."
):
    """A dispute states its evidence, so that nobody is held up by a mere word."""


class EvidenceKindNeeded(
    Refusal, says="Such a claim needs evidence of one of these kinds: {kinds}."
):
    """The operator asks for a kind of evidence before such a claim is recorded."""


class BadIdentifier(Refusal, says="“{identifier}” is not a valid {scheme}."):
    """This is not a number of the registry, or its check digit is wrong."""


class NothingStated(Refusal, says="Nothing is stated: name what is to be corrected."):
    """A correction states something."""


class ReasonMissing(Refusal, says="This needs a reason."):
    """What people have seen is corrected with a reason."""


class ContradictoryDisclosure(Refusal, says="These can't be said together: {said}."):
    """A disclosure of AI names each part once, and nothing beside “none”."""


class DisputeRepeated(
    Conflict,
    says="You have disputed this on the grounds “{grounds}” before; only the operator reopens it.",
):
    """The same person can't dispute the same thing on the same grounds again; the operator can."""


class BadSigningKey(Refusal, says="This key is not accepted: {reason}."):
    """The key can't be registered or revoked: it is malformed, someone else's, or used before."""


class BadSignature(Refusal, says="The signature is not accepted: {reason}."):
    """The signature of the request does not hold, or does not cover what would be recorded."""


class Busy(
    Refusal, says="Others are writing about the same works just now; try again.", status=503
):
    """Others kept writing about the same works at the same moment; try again."""


class ClockUnreliable(
    Refusal,
    says="The clock says {now}, which is {length} the latest fact ({last}). Set the clock right; "
    "if it is right, run “stemma accept-clock”.",
    status=503,
):
    """The clock of the machine contradicts the time of the latest fact; nothing is recorded."""


class BadSplit(Refusal, says="{where}: {reason}."):
    """The request to divide is not in the documented form."""


class BadAmount(Refusal, says="{amount} can't be the amount: {reason}."):
    """An amount is a whole number of a currency's smallest units, within the limits."""


class BadCurrency(
    Refusal,
    says="“{currency}” is not a currency of ISO 4217 with a smallest unit, such as EUR; a unit of "
    "your own is written with its exponent, 12 at most, such as HOPE.2.",
):
    """A currency is a code of ISO 4217 that has a smallest unit, or a unit with its exponent."""


class BadCountry(
    Refusal, says="“{country}” is not a country of ISO 3166-1: two capital letters, such as US."
):
    """A country is a code of two letters of ISO 3166-1, such as US."""


class BadExchangeRate(Refusal, says="“{rate}” is not an exchange rate here: {reason}."):
    """An exchange rate is an exact decimal number above 0, as text, between two currencies."""


class NoExchangeRate(
    Conflict, says="There is no rate from {currency} to {into} of the last {days} days."
):
    """No rate is recent enough to pay somebody in their currency."""


class BadShare(Refusal, says="{where}: “{share}” is not a share: {reason}."):
    """A share or weight is an exact text such as "1/3" or "0.25"; some must be more than 0."""


class BadCarry(Refusal, says="This can't be carried over: {reason}."):
    """What is carried over consists of exact parts for payees of the division that sum to zero."""


class BadPolicy(Refusal, says="{where}: {reason}."):
    """The policy is not in a documented form, or contradicts itself."""


class BadSold(Refusal, says="{where}: {reason}."):
    """What was sold is not in the documented form, or its amounts do not sum to the revenue."""


class BadGraph(Refusal, says="{where}: {reason}."):
    """The graph is not in the documented form, or lacks what the policy needs."""


class LineageCycle(
    Refusal, says="A work would be made from itself, each of these from the next: {cycle}."
):
    """A work would be made from itself, through others; the path is named."""

    def __init__(self, cycle: tuple[str, ...]) -> None:
        first = [*cycle[:MOST_LISTED], *(["…", cycle[-1]] if len(cycle) > MOST_LISTED else [])]
        super().__init__(" → ".join(map(shown, first)))
        self.details["cycle"] = cycle[:MOST_LISTED]


class RatesOverWhole(Refusal, says="{where}: the rates sum to {total}, more than the whole."):
    """The rates to others sum to more than the whole."""


class CapExceeded(
    Refusal, says="The ancestors of {node} would be owed {stack} of it, more than the cap of {cap}."
):
    """A work's stack, all that its ancestors are owed, passes the cap."""


class SplitTooLarge(Refusal, says="There are more {what} than the {limit} that are allowed."):
    """The case is too large to divide in one request."""


class UnbalancedDivision(Refusal, says="The division does not balance: {reason}."):
    """A division breaks a law: every unit is allocated once, and nobody is paid without a share."""


class ProposalRevised(
    Refusal, says="Version {version} of the proposal is not what is proposed now.", status=409
):
    """What somebody was notified of is not what is proposed now."""


class UnknownBatch(Unknown, says="There is no payout batch {id}."):
    """No payout batch has this id."""


class UnknownScope(
    Refusal, says="There is no share to waive within “{scope}”; there is one within {scopes}."
):
    """A waiver's scope is an asset, a part of the work, or “release”, with a share in it."""

    def __init__(self, scope: str, scopes: tuple[str, ...]) -> None:
        super().__init__(scope, scopes or ("nothing",))
        self.details["scopes"] = scopes[:MOST_LISTED]


class NoShare(Unknown, says="{payee} was not offered a share by this proposal."):
    """This person has no share in this agreement, or nothing was agreed yet."""


class NotEligible(Refusal, says="The work {asset} has no right to this pool."):
    """The work has no right to the pool: it is in none of the components the pool is for."""


class WindowTooShort(Refusal, says="The window for comments must be {least}."):
    """A proposal is open for comments for at least 14 days, or as long as its pool requires."""


class WindowOpen(Conflict, says="Comments can be made until {closes_at}."):
    """A proposal is not final before its comment window has closed."""


class NotDivided(Unknown, says="Revenue {id} is waiting and has not been divided yet."):
    """This revenue is waiting; it has not been divided yet."""


class CommentsOpen(Conflict, says="These comments still wait for an answer: {comments}."):
    """A proposal is not final before every comment has been answered."""


class ReversalTooLarge(Conflict, says="Only {left} of it is left."):
    """No more can be reversed than is left of the revenue or the expense."""


class AdjustmentUnbalanced(
    Conflict,
    says="The amounts sum to {rest}. They have to sum to zero, or a payer is stated who is "
    "charged the rest; and somebody gets or gives something.",
):
    """An adjustment sums to zero, or states who is charged the rest."""


class AssignmentTooLarge(
    Conflict,
    says="Only {left} can be assigned to another payee. Held for another reason, it stays where it "
    "is: {held}. A payout that came back is claimed first.",
):
    """No more can be assigned than is owed and not held for another reason."""


class UnknownPayee(Unknown, says="No terms, agreement or account has the name “{name}”."):
    """No terms, agreement or account has this name of somebody outside."""


class AlreadyIdentified(Conflict, says="Whom “{name}” stands for is already recorded."):
    """Whom this name stands for is already recorded."""


class TermsLoseSums(Conflict, says="The new terms have no place for what was summed at {places}."):
    """New terms keep every place at which something was summed, so that nothing is lost."""


class PeriodNotOver(Refusal, says="{until} has not passed yet."):
    """Only time that has passed can be closed."""


class PeriodClosed(Conflict, says="All time before {until} is closed already."):
    """This time is closed already."""


class NotAgreed(Conflict, says="Nothing is agreed for the pool {pool} at this date."):
    """Nothing is agreed for the pool at this date."""


class NothingReserved(
    Conflict, says="Nothing of that is held back for returns in the pool {pool}."
):
    """Nothing is held back for returns, or not for so long."""


class NothingToCorrect(
    Conflict, says="Every division is already under the agreement that holds for its date."
):
    """Every division is already under the agreement that holds for it."""


class NothingToConfirm(
    Conflict,
    says="Nothing that the share of “{payee}” depends on was found false since it was agreed.",
):
    """Nothing that this share depends on was found false since it was agreed or confirmed."""


class NothingToPay(Conflict, says="Nobody is owed {least} or more that can be paid now."):
    """Nobody is owed enough that can be paid now."""


class StatementTooLong(
    Refusal,
    says="The statement has {lines} lines; a PDF has at most {limit}. Ask for a shorter "
    "period, for one currency, or for CSV.",
):
    """The statement has more lines than a PDF may have; CSV has no limit."""


class TooLarge(Refusal, says="This is more than {limit} bytes.", code="fact_too_large"):
    """The request does not fit into one fact."""


def _listed(texts: tuple[str, ...]) -> str:
    more = f" and {len(texts) - MOST_LISTED} more" if len(texts) > MOST_LISTED else ""
    return ", ".join(texts[:MOST_LISTED]) + more


def _is_plain(value: object) -> bool:
    """Whether a particular is returned as it is: text, several texts, or a JSON number."""
    return isinstance(value, str | tuple) or (type(value) is int and abs(value) < 1 << 53)


def shown(value: object) -> str:
    """A value as a refusal quotes it: at most one line."""
    if isinstance(value, Fraction | int) and max(abs(value.numerator), value.denominator) >> 300:
        return "a number of very many digits"
    # Half of a surrogate pair can't be sent back.
    text = printable(str(value).encode("utf-8", "replace").decode("utf-8"))
    return text if len(text) <= 100 else f"{text[:99]}…"
