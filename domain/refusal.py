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


def to_the_minute(text: str) -> str:
    """A recorded moment as sentences give it; any other text as it is."""
    return MOMENT.sub(r"\1 \2 UTC", text)


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
    about: ClassVar[tuple[str, ...] | None] = None
    """The field it is about, by the names that requests have for it; empty if it is about no single
    one. None if its particulars say so: by their names, or by an id that only one field holds."""
    wrong: tuple[Wrong, ...] = ()
    """If a value was refused: every value of the request that is."""

    def __init_subclass__(
        cls,
        *,
        says: str = "",
        status: int = 0,
        code: str = "",
        about: tuple[str, ...] | None = None,
        listed: bool = True,
    ) -> None:
        cls.code = code or spelled(cls)
        cls.says = says or cls.says
        cls.status = status or cls.status
        cls.about = cls.about if about is None else about
        if listed:
            REFUSALS[cls.code] = cls

    @classmethod
    def particulars(cls) -> dict[str, bool]:
        """The names of what its sentence tells, and whether each is quoted from the request."""
        names = dict.fromkeys(name for _, name, _, _ in Formatter().parse(cls.says) if name)
        return {name: f"“{{{name}}}”" in cls.says for name in names}

    def __init__(self, *values: object, **particulars: object) -> None:
        names = self.particulars()
        quoted = {name for name, is_quoted in names.items() if is_quoted}
        self.details: dict[str, object] = {
            name: shown(value) if name in quoted or not _is_plain(value) else value
            for name, value in zip(names, values, strict=True)
        }
        told = {n: _listed(v) if isinstance(v, tuple) else v for n, v in self.details.items()}
        told |= {n: to_the_minute(str(told[n])) for n in told.keys() - quoted}
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
    "mailbox", "No mailbox has this token any longer: the address was changed or removed."
)
UnknownMailbox.about = ("token",)
UnknownIdentifier = _unknown("identifier")
UnknownExchangeRate = _unknown("exchange_rate")
UnknownWithholding = _unknown("withholding", "No withholding rule has this id.")
UnknownPaymentCurrency = _unknown(
    "payment_currency", "No choice of a payment currency has this id."
)
UnknownPool = _unknown("pool")
UnknownProposal = _unknown("proposal")
UnknownComment = _unknown("comment", "No comment, or none on this proposal, has this id.")
UnknownRevenue = _unknown("revenue")
UnknownExpense = _unknown("expense")
for _booked in (UnknownRevenue, UnknownExpense):
    _booked.says += " A reversal can't be reversed: record the amount again instead."
UnknownEntry = _unknown(
    "entry", "No ledger entry has this id: no division, reversal or correction."
)
UnknownPayout = _unknown("payout")


class GroupInGroup(
    Conflict, says="{contributor} can't be in {group}: only people can be members of a group."
):
    """A group consists of people; it can't be in a group or contain one."""


class OneSubject(Refusal, says="Name exactly one subject: one of {names}.", about=()):
    """Name exactly one subject; anything named beside it has to agree with it."""


class EditingOver(Conflict, says="The comment could only be edited until {until}."):
    """A comment can only be edited for as long as this installation allows."""


class NoSteps(Refusal, says="A project needs at least one step.", about=("steps",)):
    """A project can't be launched without a step."""


class NoLeaders(Refusal, says="A project needs at least one leader.", about=("leaders",)):
    """A project needs a leader; if the operator launches it, the operator names one."""


class LastLeader(
    Conflict, says="Nobody else leads the project {id}: assign another leader first, or close it."
):
    """The last leader of a project can't be removed; assign another, or close the project."""


class ChallengeOver(Conflict, says="The challenge could only be answered until {until}."):
    """The time to answer the challenge has passed."""


class UntilPassed(Refusal, says="“{until}” is already past.", about=("answer_by",)):
    """A deadline can't be in the past."""


class IdTaken(Conflict, says="The id {id} is already used for different content."):
    """The id chosen by the client is already used for something else."""


class BadIdempotencyKey(
    Refusal,
    says="“{key}” is not an idempotency key: 1 to {limit} visible ASCII characters, without "
    "quotation marks, backslashes or commas.",
    about=(),
):
    """An idempotency key is a short word of visible ASCII characters, such as a UUID."""


class IdempotencyKeyReused(
    Refusal,
    says="This idempotency key belongs to another request, recorded at position {position}.",
    about=(),
):
    """The idempotency key belongs to a request with different content; use a new one."""


class UnknownRequest(
    Unknown, says="No request is recorded under the idempotency key “{key}” yet; repeat yours."
):
    """No request is recorded under this idempotency key yet; repeat the request with it."""


class UnknownRole(
    Refusal,
    says="There is no role “{role}”; the nearest are {nearest}. You can add wording of your own.",
):
    """The role is not in the vocabulary; use the nearest one and add your own wording."""


class BadRole(Refusal, says="“{role}” can't be granted or ended here: {reason}."):
    """The role can't be granted or ended: it does not exist, or does not apply here."""


class UnknownKind(
    Refusal,
    says="There is no kind “{kind}”; use one of {kinds}.",
    about=("kind", "source", "category"),
):
    """The kind is not a documented one."""


class UnknownErasureGround(Refusal, says="There is no ground “{ground}”; use one of {grounds}."):
    """The ground for forgetting a person is not a documented one."""


class BadId(Refusal, says="“{id}” is not a UUID."):
    """The id is not a UUID."""


class BadRate(
    Refusal, says="“{rate}” is not a rate from 0 to 1, such as 1/5 or 0.2; in a form, also 20 %."
):
    """A rate is an exact number from 0 to 1 as text, such as "1/5" or "0.2", not a JSON number."""


class BadMadeAt(
    Refusal,
    says="“{made_at}” is not a date: write a year, month, day or time, such as 1969, 1969-10, "
    "1969-10-14 or 1969-10-14T20:15:00Z.",
):
    """A date is a year, a month, a day or a time; when a work was made may be an EDTF date."""


class BadStatedDate(
    BadMadeAt,
    says="“{made_at}” is not a date: write a year, month, day or time, such as 1969, 1969-10, "
    "1969-10-14 or 1969-10-14T20:15:00Z, or an EDTF date, such as 1970~ or [..2003].",
    code=BadMadeAt.code,
    listed=False,
):
    """The same where an EDTF date is allowed, too."""


class BadPeriod(
    Refusal,
    says="The period from {since} to {before} ends before it begins.",
    about=("until", "to"),
):
    """A period can't end before it begins."""


class EarnedInFuture(
    Refusal,
    says="“{effective_at}” is in the future: nothing can have been earned or spent then yet.",
):
    """Revenue and expenses can't be dated in the future."""


class MadeInFuture(Refusal, says="“{made_at}” is in the future."):
    """A piece can't have been made in the future."""


class BadUri(
    Refusal,
    says="“{uri}” is not a whole address (an absolute URI), such as https://example.org/song.",
):
    """An outside source is named by an absolute URI."""


class BadText(Refusal, says="{field}: {reason}."):
    """The text is empty, or contains a character that cannot be stored (NUL, a lone surrogate)."""


class TextTooLong(Refusal, says="{field}: longer than {limit} characters."):
    """The text is longer than the field allows."""


class SelfRemix(Refusal, says="The work {id} can't be its own source."):
    """A work can't be made from itself."""


class NoSource(
    Refusal, says="Name the source either by its work id or by its URI, not both.", about=()
):
    """A source is named either by its work id or by its URI."""


class NoComponents(Refusal, says="A release needs at least one component.", about=("components",)):
    """A release needs at least one component."""


class RepeatedComponent(
    Refusal,
    says="The work {work} is a single component of the release, wherever it is used: list it again "
    "without a rate or, once it is a component, replace it by itself with all its places.",
):
    """A work used several times in a release is one component with several places, paid once."""


class NotOfRelease(
    Refusal,
    says="The work {child} is not a release: only components of a release can be replaced.",
    about=(),
):
    """Only a component of a release can be replaced; a recut piece is a new piece."""


class WrongState(
    Conflict, says="This {noun} is {state}; you can do this only while it is {allowed}."
):
    """This can't happen in its present state (accepting twice, settling what is not disputed)."""

    def __init__(self, noun: str, id: str, state: str, allowed: tuple[str, ...]) -> None:
        super().__init__(noun, state, " or ".join(allowed))
        self.details |= {"id": id, "allowed": allowed}


class ContributorForgotten(Conflict, says="The contributor {id} was forgotten."):
    """The contributor was forgotten: nobody can act or be credited as them any longer."""


class UnknownGrounds(Refusal, says="“{grounds}” is not one of the grounds for a dispute: {known}."):
    """The grounds of a dispute are not documented ones; use “other” and explain in the reason."""


class BadOutcome(Refusal, says="A dispute can't end as “{outcome}”: {reason}."):
    """A dispute ends with one of the documented outcomes; only a correction names a replacement."""


class BadDeadline(
    Refusal,
    says="“{answer_by}” is too early or too late as a deadline: choose a time from {earliest} "
    "to {latest}.",
):
    """The other side has 7 to 180 days to answer a dispute; the default is 30."""


class AlreadyAnswered(
    Conflict, says="The dispute about {id} has been answered and is waiting for a decision."
):
    """A dispute is answered once; from then on it can't expire, but waits for a decision."""


class TooLate(Conflict, says="The dispute about {id} could only be answered until {deadline}."):
    """The time to answer the dispute has passed."""


class NotYet(Conflict, says="The dispute about {id} can still be answered, until {deadline}."):
    """A dispute can't expire before the time to answer it has passed."""


class NotPublished(Conflict, says="The work {id} has not been published."):
    """The release has not been published, so there is no published lineage."""


class NotInLog(Unknown, says="The log does not contain {what}, or has not signed it yet."):
    """The log does not contain this, or no signed checkpoint covers it yet: try again later."""


class MapNotKept(
    Unknown,
    says="The latest checkpoint that enough witnesses have cosigned, of size {size}, is too old: "
    "proofs of the latest fact are kept from size {oldest} on. There will be some again as soon as "
    "they cosign another.",
):
    """The map of the latest facts is no longer kept for this checkpoint."""


class BadCosignature(Refusal, says="The cosignature is not accepted: {reason}."):
    """No witness of this log signed this checkpoint, or the time of the signature is not valid."""


class CannotJoin(Conflict, says="{work} and {into} cannot become one: {reason}."):
    """These two works cannot become one."""


class MergeCycle(Conflict, says="Merging {id} into {into} would form a cycle."):
    """Two contributors can't be merged into each other, nor one into itself."""


class NotPermitted(Refusal, says="{actor} may not {verb} here. {open_to}", status=403):
    """This key may not act for this person or make this decision."""


class BadScope(Refusal, says="“{scope}” is not a valid scope: {reason}."):
    """A scope is made of documented words, and no key can give more than it has itself."""


class BadExpiry(Refusal, says="A key can't expire at “{expires_at}”: {reason}."):
    """A key expires in the future, and no later than the key that creates it."""


class BadWebhook(Refusal, says="“{url}” can't be used for a webhook: {reason}."):
    """A webhook goes to a public https address, and the number per person is limited."""


class BadAddress(Refusal, says="Mail can't be sent to this address: {reason}.", about=("address",)):
    """Mail goes to a public address, if this installation sends mail, and not twice at once."""


class QuotaExceeded(Refusal, says="At most {most} {what} {per}; {again}.", status=429):
    """This person has reached a quota; the answer says when they may continue."""

    def __init__(self, most: int, what: str, per: str, frees_at: str | None) -> None:
        again = "again " + ("once one is answered" if frees_at is None else f"from {frees_at}")
        super().__init__(most, what, per, again)
        self.details["frees_at"] = frees_at


class LicenceConflict(
    Refusal,
    says="{child} may not be made from {parent} under {licence}: {rule} ({code_of_rule}).",
    about=(),
):
    """The licence of a source does not allow this use (see the licences of a work)."""


class LicenceNotAgreed(
    Conflict,
    says="The work {work} is licensed under “{before}”; it can change to “{licence}” once everyone "
    "credited agrees (credit.agree-licence). Still missing: {credits}.",
):
    """A licence can change only once everyone with a direct credit on the work has agreed."""


class EvidenceMissing(
    Refusal,
    says="A dispute needs evidence, such as a link, a document or a conversation.",
    about=("evidence",),
):
    """A dispute states its evidence, so that a mere assertion can't hold anyone up."""


class EvidenceKindNeeded(
    Refusal,
    says="This claim needs evidence of one of these kinds: {kinds}.",
    about=("evidence_kind",),
):
    """The operator requires certain kinds of evidence for such a claim."""


class BadIdentifier(Refusal, says="“{identifier}” is not a valid {scheme}: {reason}."):
    """The number does not have the registry's format, or its check digit is wrong."""


class NothingStated(Refusal, says="Nothing is stated: name what to correct.", about=()):
    """A correction has to state something."""


class ReasonMissing(Refusal, says="This needs a reason.", about=("reason",)):
    """Correcting what people have already seen needs a reason."""


class ContradictoryDisclosure(Refusal, says="These contradict each other: {said}.", about=("ai",)):
    """An AI disclosure names each part once, and “none” only by itself."""


class DisputeRepeated(
    Conflict,
    says="You already disputed this on the grounds “{grounds}”; only the operator can reopen it.",
):
    """Nobody can dispute the same thing twice on the same grounds; only the operator reopens it."""


class BadSigningKey(Refusal, says="This key is not accepted: {reason}.", about=("key",)):
    """The key can't be registered or revoked: it is malformed, someone else's, or already used."""


class BadSignature(Refusal, says="The signature is not accepted: {reason}.", about=()):
    """The request's signature is invalid, or does not cover what would be recorded."""


class Busy(
    Refusal, says="Others are writing about the same works right now; try again.", status=503
):
    """Others kept writing about the same works at the same time; try again."""


class ClockUnreliable(
    Refusal,
    says="The clock says {now}, which is {length} the latest fact ({last}). Correct the clock; "
    "if it is right, run “stemma accept-clock”.",
    status=503,
):
    """The machine's clock contradicts the time of the latest fact; nothing is recorded until
    the operator has set it."""


class BadSplit(Refusal, says="{where}: {reason}."):
    """The case to divide does not have the documented form."""


class BadAmount(
    Refusal, says="{amount} is not a valid amount: {reason}.", about=("amount_minor", "lines")
):
    """An amount is a whole number of a currency's smallest units, within the limits."""


class AmountMissing(
    Refusal, says="State an amount, or lines of what was sold.", about=("amount_minor",)
):
    """Revenue has an amount, or lines from whose amounts it follows."""


class BadCurrency(
    Refusal,
    says="“{currency}” is not an ISO 4217 currency with a smallest unit, such as EUR; write a "
    "unit of your own with its exponent, at most 12, such as HOPE.2.",
):
    """A currency is an ISO 4217 code with a smallest unit, or your own unit with its exponent."""


class BadCountry(
    Refusal,
    says="“{country}” is not an ISO 3166-1 country code: two capital letters, such as US.",
):
    """A country is a two-letter ISO 3166-1 code, such as US."""


class BadExchangeRate(Refusal, says="“{rate}” is not a valid exchange rate: {reason}."):
    """An exchange rate is an exact decimal number above 0, as text, between two currencies."""


class NoExchangeRate(
    Conflict, says="No rate from {currency} to {into} was stated for the last {days} days."
):
    """No exchange rate is recent enough to pay someone in their currency: state one first."""


class BadShare(Refusal, says="{where}: “{share}” is not a share: {reason}."):
    """A share or weight is an exact number as text, such as "1/3"; some must be more than 0."""


class BadCarry(Refusal, says="This can't be carried over: {reason}.", about=()):
    """A carry consists of exact parts for payees of the division, and sums to zero."""


class BadPolicy(Refusal, says="{where}: {reason}."):
    """The policy does not have a documented form, or contradicts itself."""


class BadSold(Refusal, says="{where}: {reason}."):
    """The sales do not have the documented form, or their amounts do not sum to the revenue."""


class BadGraph(Refusal, says="{where}: {reason}."):
    """The graph does not have the documented form, or lacks what the policy needs."""


class LineageCycle(
    Refusal,
    says="This would close a cycle, in which each work is made from the next: {cycle}.",
    about=(),
):
    """A work would become its own source through other works; the answer names the path."""

    def __init__(self, cycle: tuple[str, ...]) -> None:
        first = [*cycle[:MOST_LISTED], *(["…", cycle[-1]] if len(cycle) > MOST_LISTED else [])]
        super().__init__(" → ".join(map(shown, first)))
        self.details["cycle"] = cycle[:MOST_LISTED]


class RatesOverWhole(
    Refusal, says="{where}: the rates sum to {total}, which is more than 1.", about=()
):
    """The rates sum to more than 1."""


class CapExceeded(
    Refusal,
    says="The ancestors of {node} would be owed {stack} of it, more than the cap of {cap}.",
    about=(),
):
    """A work's stack, the total owed to its ancestors, exceeds the cap."""


class SplitTooLarge(Refusal, says="There are more {what} than the {limit} allowed.", about=()):
    """The case is too large to divide."""


class UnbalancedDivision(Refusal, says="The division does not balance: {reason}.", about=()):
    """A division must allocate every unit exactly once, and pay nobody without a share."""


class ProposalRevised(
    Refusal, says="Version {version} of the proposal is no longer the current one.", status=409
):
    """This version of the proposal has since been revised."""


class UnknownBatch(Unknown, says="There is no payout batch {id}."):
    """No payout batch has this id."""


class UnknownScope(
    Refusal, says="There is no share to waive within “{scope}”; you can waive within {scopes}."
):
    """A waiver's scope is an asset, a part of the work, or “release”, in which there is a share."""

    def __init__(self, scope: str, scopes: tuple[str, ...]) -> None:
        super().__init__(scope, scopes or ("nothing",))
        self.details["scopes"] = scopes[:MOST_LISTED]


class NoShare(
    Unknown,
    says="{payee} has no agreed share here. A proposal offers shares once it is final; what terms "
    "give by name is not among them.",
):
    """This payee has no share in this agreement, or nothing was agreed yet."""


class NotEligible(Refusal, says="The work {asset} is not entitled to this pool."):
    """The work is not entitled to the pool: it is in none of the components the pool is for."""


class WindowTooShort(
    Refusal,
    says="The window for comments must be {least}.",
    about=("comment_days", "closes_at", "terms"),
):
    """A proposal is open for comments for at least 14 days, or as long as its pool requires."""


class WindowOpen(Conflict, says="The proposal is open for comments until {closes_at}."):
    """A proposal can't be finalised before its comment window has closed."""


class NotDivided(Unknown, says="Revenue {id} is waiting and has not been divided yet."):
    """This revenue is waiting and has not been divided yet."""


class CommentsOpen(Conflict, says="These comments still wait for an answer: {comments}."):
    """A proposal can't be finalised before every comment has been answered."""


class ReversalTooLarge(Conflict, says="Only {left} of it is left.", about=("amount_minor",)):
    """A reversal can't exceed what is left of the revenue or the expense."""


class AdjustmentUnbalanced(
    Conflict,
    says="The amounts sum to {rest}. They must sum to zero, or name a payer who is charged the "
    "difference; and at least one must not be zero.",
    about=("lines",),
):
    """An adjustment sums to zero, or names who is charged the difference."""


class AssignmentTooLarge(
    Conflict,
    says="Only {left} can be assigned to another payee. Money held for another reason stays where "
    "it is: {held}. A payout that came back must be claimed first.",
    about=("amount_minor",),
):
    """An assignment can't exceed what is owed and not held for another reason."""


class AssignedToSelf(
    Conflict, says="{payee} is owed it already: name someone else who gets it.", about=("to",)
):
    """What is owed to someone can't be assigned to the same person."""


class ShareInQuestion(
    Conflict,
    says="The share of {payee} can't be assigned now: something it depends on is disputed, on hold "
    "or found false. Decide that first; the share can then be assigned from the same date.",
    about=("payee",),
):
    """A share can't be assigned while it is disputed or on hold, or rests on something false."""


class UnknownPayee(Unknown, says="No terms, agreement or account mentions the name “{name}”."):
    """No terms, agreement or account mentions this outside payee."""


class AlreadyIdentified(Conflict, says="It is already recorded who “{name}” is."):
    """It is already recorded who this payee is."""


class TermsLoseSums(
    Conflict, says="The new terms have no place for the sums kept at {places}.", about=("terms",)
):
    """New terms must keep every place that has a sum, so that nothing is lost."""


class PeriodNotOver(Refusal, says="{until} has not passed yet."):
    """Only a period that is over can be closed."""


class PeriodClosed(Conflict, says="The books are already closed until {until}."):
    """This period is already closed."""


class NotAgreed(Conflict, says="There is no agreement for the pool {pool} at this date."):
    """There is no agreement for the pool at this date."""


class NothingReserved(Conflict, says="The pool {pool} holds back no such reserve for returns."):
    """Nothing is held back for returns, or not for that long."""


class NothingToCorrect(
    Conflict, says="Every division already follows the agreement in force on its date."
):
    """Every division already follows the agreement in force on its date."""


class NothingToConfirm(
    Conflict,
    says="Nothing that the share of “{payee}” depends on has been found false since it was agreed.",
):
    """Nothing that this share depends on has been found false since it was agreed or confirmed."""


class NothingToPay(Conflict, says="Nobody has {least} or more that can be paid now."):
    """Nobody has enough that can be paid now."""


class PayoutsChanged(
    Conflict,
    says="This would pay {total} now, and not {stated}: something has changed since the preview.",
    about=("total_minor",),
):
    """A batch whose total was stated, as a preview showed it, pays exactly that or nothing."""


class StatementTooLong(
    Refusal,
    says="The statement has {lines} lines; a PDF has at most {limit}. Ask for a shorter "
    "period, for one currency, or for CSV.",
    about=(),
):
    """The statement has more lines than a PDF can have; CSV has no limit."""


class TooLarge(Refusal, says="This is larger than {limit} bytes.", code="fact_too_large", about=()):
    """The request does not fit into one fact: shorten its lists, or send several."""


def _listed(texts: tuple[str, ...]) -> str:
    more = f" and {len(texts) - MOST_LISTED} more" if len(texts) > MOST_LISTED else ""
    return ", ".join(texts[:MOST_LISTED]) + more


def _is_plain(value: object) -> bool:
    """Whether a particular is returned as it is: text, several texts, or a JSON number."""
    return isinstance(value, str | tuple) or (type(value) is int and abs(value) < 1 << 53)


_BREAKS = dict.fromkeys(map(ord, "\n\u2028\u2029"), " ")
"""What begins another line; spaces stay, since they may be what is wrong."""


def shown(value: object) -> str:
    """A value as a refusal quotes it: at most one line."""
    if isinstance(value, Fraction | int) and max(abs(value.numerator), value.denominator) >> 300:
        return "a number of very many digits"
    # Half of a surrogate pair can't be sent back.
    text = printable(str(value).encode("utf-8", "replace").decode("utf-8")).translate(_BREAKS)
    return text if len(text) <= 100 else f"{text[:99]}…"
