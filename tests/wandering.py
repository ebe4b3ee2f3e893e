"""Long random histories of everything: a command is chosen, and its fields are filled at random.

The values follow from the declarations of the commands, so that a new command takes part by itself.
About half of what is sent makes no sense and is refused.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

from money import AGREED, HALF, Bank, asset
from stories import OPERATOR, id_of

from domain.command import Command, Field, Record
from domain.identifier import SCHEMES
from domain.note import SignerKey
from domain.nouns import BORN
from domain.refusal import OneSubject, Refusal
from domain.registry import COMMANDS
from domain.signature import sign_command
from domain.value import Amount, Json, Many, NewId, Payee, Ref, Several, Text, Value, Word

MUCH, LITTLE, HARDLY = 8.0, 1.0, 0.3
OFTEN = {
    **dict.fromkeys(("contribution", "remix", "credit", "revenue", "release.publish"), MUCH),
    **dict.fromkeys(("proposal", "proposal.comment", "share.accept", "remix.answer"), MUCH),
    **dict.fromkeys(("remix.settle", "credit.settle", "revenue.reverse", "pool.correct"), MUCH),
    **dict.fromkeys(("payout", "payout.settle", "payout.return", "payout.claim"), MUCH),
    **dict.fromkeys(("contribution.withdraw", "release.withdraw", "proposal.withdraw"), LITTLE),
    **dict.fromkeys(("work.redate", "pool", "remix.strike", "contributor.merge"), LITTLE),
    **dict.fromkeys(("contributor.forget", "contributor.revoke-key"), HARDLY),
}
"""How often a command is sent, where that is not 3."""

WORDS = ("Low Tide", "Ebbe & Flut", "三日月", "a line\nand another", "100 % _", "é", "trois")
OUTSIDE = ("house", "Bank, Inc.", OPERATOR)
DATES = ("1970", "1979", "1980-05", "1990-01-01T00:00Z", "2019", "2026-03", "2999")
CHOSEN: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("effective_at", "made_at"), DATES),
    "closes_at": ("2026-12-01", "2027-06-01"),
    "currency": ("USD", "USD", "EUR"),
    "rounding": ("largest_remainder_with_carry", "largest_remainder"),
    "comment_days": (14, 14, 21),
    "role": ("writer", "singer", "Voice_Actor", "editor"),
    "uri": ("https://example.org/a", "urn:b"),
    "medium": ("text", "audio"),
    "rate": ("1/5", "0.2", "1/7"),
    "scope": ("release", "act 1", "poster"),
    "minimum_minor": (1, 50),
}
"""What is said by the name of a field."""
TOGETHER = (
    *("assets", "graph_position", "default_rate", "policy", "replaced_by", "payees", "uri"),
    "total_minor",
)
"""What is not said by itself, or means much that has to fit."""
TERMS: tuple[Mapping[str, Any], ...] = (
    *(AGREED, AGREED, HALF),
    {"type": "fees", "fees": [{"payee": "house", "rate": "1/7", "cap_minor": 50}], "then": AGREED},
    {"type": "waterfall", "tranches": [["house", 700], ["artists", None, AGREED]]},
    {
        "type": "escalator",
        "earned_minor": 0,
        "bands": [["500", [["house", "1/3"], ["artists", "2/3", AGREED]]], [None, AGREED]],
    },
)


class Wanderer:
    """Sends commands, and knows what there is by now."""

    def __init__(self, told: Bank, seed: int) -> None:
        self.told, self.random, self.seen = told, Random(seed), 0
        self.ids: dict[str, list[str]] = defaultdict(list)
        """What there is, by noun."""
        self.pairs: dict[str, list[tuple[str, str]]] = defaultdict(list)
        """The proposals with their comments, and with those who have a share."""
        self.keys: dict[str, SignerKey] = {}
        self.last: dict[str, str] = {}
        """What was last changed, by noun."""

    def wander(self, steps: int) -> None:
        """Begin with a few people and works and their money, and go on from there."""
        people = [self.told.person(f"Person {number}") for number in range(5)]
        song = self.told.piece("song", by=people[:2], made_at="2001")
        remix = self.told.piece("remix", (song, "sample"), by=people[2:3], made_at="2010")
        release = self.told.release("album", song, remix)
        pool = self.told.pool("the album", release=release)
        shares = [asset(song, dict.fromkeys(people[:2], "1")), asset(remix, {people[2]: "1"})]
        self.told.accept(self.told.agree(pool, shares), *people[:3])
        self.told.earn(pool, 1_000)
        self.look()
        names = sorted(COMMANDS)
        weights = [OFTEN.get(name, 3.0) for name in names]
        for name in self.random.choices(names, weights, k=steps):
            self.told.clock.wait(hours=self.random.choice((0, 0, 1, 30)))
            if name == "proposal.finalise":
                self.told.clock.wait(days=self.random.choice((0, 15, 22)))
            self.send(COMMANDS[name])
            self.look()

    def send(self, command: type[Command]) -> None:
        """Send a command with random fields, signed where the actor has a key."""
        try:
            said = {**self.filled(command), **self.matching(command)}
            by = self.actor(said)
            signing = None
            if key := self.keys.get(by):
                said |= self.chosen(command)
                signing = sign_command(key, command.OPERATION, said)
            receipt = self.told.journal.record(command.of(said), by=by, signing=signing)
        except (Refusal, IndexError):
            return
        self.did(command, said, receipt.id)
        if command.NAME == "contributor.register-key":
            self.keys[said["id"]] = self.key_of(said["id"])

    def did(self, command: type[Command], _said: Mapping[str, Any], id: str) -> None:
        """Remember what was last changed."""
        self.last[command.MAKES or command.NAME.partition(".")[0]] = id

    def chosen(self, command: type[Command]) -> dict[str, str]:
        """The id that has to be named by whoever signs what brings something into being."""
        ids = [one.name for one in command.fields() if isinstance(one.value, NewId)]
        return {name: id_of(f"signed {self.seen}") for name in ids}

    def actor(self, said: Mapping[str, Any]) -> str:
        """The operator, or at times somebody who is named or anybody."""
        if self.random.random() < 0.7:
            return OPERATOR
        return str(said.get("contributor") or self.one("contributor"))

    def look(self) -> None:
        """Take note of what has come to be."""
        for placed in self.told.journal.read(self.seen):
            self.seen = placed.position
            happened = placed.fact()
            if type(happened) in BORN and placed.originator_version == 1:
                self.ids[BORN[type(happened)].NAME].append(placed.originator_id)
            self.note(placed.topic, happened)

    def note(self, topic: str, happened: Any) -> None:
        if topic == "proposal.commented":
            self.pairs["comment"].append((happened.originator_id, happened.comment))
            self.ids["comment"].append(happened.comment)
        elif topic == "share.offered":
            self.pairs["contributor"].append((happened.proposal, happened.payee))

    def again(self, noun: str) -> bool:
        """Whether the next command is about the same as the last."""
        return noun in self.last and self.random.random() < 0.5

    # -- what is said ------------------------------------------------------------------------

    def filled(self, record: type[Record]) -> dict[str, Any]:
        """A value for every field that is needed, and for about half of the others."""
        said = {
            one.name: self.value(one)
            for one in record.fields()
            if one.is_needed or (self.random.random() < 0.5 and self.may_say(one))
        }
        names = {one.name: one for one in record.fields()}
        if "uri" in names and not said.keys() & {"work", "parent"}:
            said["uri"] = self.value(names["uri"])
        if "policy" in names:
            computed = {"policy": {"type": "relative_cascade"}, "default_rate": "1/10"}
            said |= computed if self.random.random() < 0.3 else {"assets": [*self.assets()]}
        if OneSubject in getattr(record, "REFUSES", ()):
            said = self.about_one(record, said)
        return said

    def about_one(self, record: type[Record], said: dict[str, Any]) -> dict[str, Any]:
        """What is said about exactly one of the subjects that it may have."""
        fields = record.by_name()
        every = [one for one in record.fields() if isinstance(one.value, Ref) and not one.is_needed]
        subject = self.random.choice(every)
        said = {name: said[name] for name in said if fields[name] not in every}
        said[subject.name] = self.value(subject)
        if "scheme" in fields:
            scheme = self.random.choice([one for one in SCHEMES if subject.name in SCHEMES[one].of])
            said |= {"scheme": scheme, "identifier": SCHEMES[scheme].example}
        return said

    def may_say(self, one: Field) -> bool:
        """Whether a field may be said by itself: the others belong together."""
        return not isinstance(one.value, NewId) and one.name not in TOGETHER

    def value(self, one: Field) -> Any:
        if one.name in CHOSEN and not getattr(one.value, "choices", None):
            return self.random.choice(CHOSEN[one.name])
        return self.of_type(one.value)

    def of_type(self, value: Value) -> Any:
        match value:
            case Ref(noun=noun):
                return self.last[noun] if self.again(noun) else self.one(noun)
            case Several(record=record):
                return [self.filled(record) for _ in range(self.random.randrange(1, 4))]
            case Many(inner=inner):
                return [self.of_type(inner)]
        among = self.among(value)
        return self.random.choice(among) if among else value.example

    def among(self, value: Value) -> Sequence[Any]:
        """What a value may be that is no id; nothing if only its example makes sense."""
        if isinstance(value, Word) and value.choices:
            return list(value.choices)
        payees = (*OUTSIDE, *self.ids["contributor"])
        amounts = (1, 3, 100, 333, 12_345, self.random.randrange(1, 5_000))
        known = {Text: WORDS, Amount: amounts, Payee: payees, Json: TERMS}
        return known.get(type(value), ())

    def assets(self) -> Iterator[dict[str, Any]]:
        """What is worth how much, and whose it is."""
        pieces = self.random.sample(self.ids["contribution"], k=2)
        payees = (*self.ids["contributor"], *OUTSIDE)
        for name, within in ((pieces[0], ["act 1"]), (pieces[1], ["act 1"]), ("poster", [])):
            among = self.random.sample(payees, k=3)
            shares = {each: self.random.choice(("1", "2", "1/3", "0.25")) for each in among}
            yield asset(name, shares, self.random.choice("123"), within)

    def matching(self, command: type[Command]) -> dict[str, Any]:
        """Fields that have to fit together."""
        names = {one.name for one in command.fields()}
        if "key" in names:
            person = self.one("contributor")
            return {"id": person, "key": str(self.key_of(person).verifier)}
        if "proposal" in names and (found := names & self.pairs.keys()):
            proposal, other = self.recent(self.pairs[found.pop()])
            return {"proposal": proposal} | (
                {"comment": other} if "comment" in names else {"contributor": other}
            )
        if command.NAME == "proposal.revise":
            proposal, comment = self.recent(self.pairs["comment"])
            return {"proposal": proposal, "comments": [comment]}
        return {}

    def key_of(self, person: str) -> SignerKey:
        """The key with which somebody signs once it is registered."""
        return SignerKey(person, person[:32].encode())

    def one(self, noun: str) -> str:
        """Something of a noun, more often what is recent."""
        nouns = ("contribution", "release", "outside source") if noun == "work" else (noun,)
        return str(self.recent([id for each in nouns for id in self.ids[each]]))

    def recent(self, every: Sequence[Any]) -> Any:
        """One of these; IndexError if there is none."""
        return every[max(self.random.choices(range(len(every)), k=2))]


class Stubborn(Wanderer):
    """Stays with one thing for a while, and does to it all that can be done, again and again."""

    def wander(self, steps: int) -> None:
        super().wander(min(steps, 30))
        of_noun: dict[str, list[str]] = defaultdict(list)
        for name in sorted(COMMANDS):
            of_noun[name.partition(".")[0]].append(name)
        nouns = sorted(of_noun)
        while steps > 0:
            noun = self.random.choice(nouns)
            for name in (noun, *self.random.choices(of_noun[noun], k=STUBBORN)):
                steps -= 1
                self.told.clock.wait(hours=self.random.choice((0, 30, 24 * 31)))
                if name in COMMANDS:
                    self.send(COMMANDS[name])
                self.look()

    def again(self, noun: str) -> bool:
        return noun in self.last and self.random.random() < 0.95

    def actor(self, said: Mapping[str, Any]) -> str:
        return OPERATOR if self.random.random() < 0.9 else super().actor(said)

    def did(self, command: type[Command], said: Mapping[str, Any], id: str) -> None:
        """Stay with what the command was about, not with what it led to, such as a hold."""
        super().did(command, said, said[command.subject()] if not command.MAKES else id)


STUBBORN = 14
"""How many commands are sent about one thing."""
