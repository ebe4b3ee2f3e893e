"""An actor's signature says who posted exactly this, and outlives every text that is erased."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from serving import Answer, Client, serving
from stories import Story, every_table, id_of, story

from api.document import operations
from api.signatures import SIGNATURE
from domain.chain import Chains, content_of
from domain.checkpoint import cosign
from domain.contributor import Contributor
from domain.credit import Credit
from domain.draft import Draft
from domain.fact import FACTS
from domain.note import COSIGNATURE, SignerKey
from domain.receipt import Leaf, Link, leaf_bytes, read_leaf
from domain.refusal import BadSignature, BadSigningKey, NotPermitted, WrongState
from domain.registry import BY_OPERATION
from domain.seal import TEXTS, digest_of
from domain.signature import check_signature, must_fit, read_signing, salt_of, sign_command
from domain.stated import BOOKED, BRINGS, brings
from domain.tree import NotVerified, leaf_hash
from projections import history
from projections.progress import no_progress
from scripts import bundle
from scripts.audit import CHECKS
from scripts.difference import all_differences
from scripts.given import read_disclosures
from scripts.stemma import main

ROOT = Path(__file__).resolve().parents[1]
ANA = id_of("ana")
KEY = SignerKey(ANA, bytes(range(32)))


def signed(told: Any, command: str, key: SignerKey = KEY, /, **said: Any) -> Any:
    """Record a command as its actor has signed it."""
    signing = sign_command(key, command, said)
    return told.journal.record(BY_OPERATION[command].of(said), by=key.name, signing=signing)


def registered(told: Any) -> str:
    ana: str = told.person("ana")
    told.tell("register_key", id=ana, key=str(KEY.verifier), actor=ana)
    return ana


PIECE: dict[str, Any] = {
    "id": id_of("poem"),
    "title": "Unmistakable",
    "medium": "text",
    "authors": [{"contributor": ANA, "role": "writer", "display": "verse"}],
    "sources": [{"uri": "https://example.org/Saga", "kind": "influence", "note": "the third"}],
}


# -- the form ------------------------------------------------------------------------------


def test_the_documented_example_is_what_is_signed() -> None:
    told = (ROOT / "api/web/docs/reference/signatures.md").read_text("utf-8")
    found = dict(re.findall(r"^(message|digest|header) +(.*)$", told, re.MULTILINE))
    said = json.loads(found["message"])
    key = SignerKey(said["actor"], bytes(range(32)))
    arguments = {**said["arguments"], "reason": "That was not me."}
    made = sign_command(
        key, said["command"], arguments, lambda size: bytes(range(size)), log=said["log"]
    )
    assert made.message == found["message"]
    assert made.disclosure().digest == found["digest"]
    assert f"Stemma-Signature: {made.sent}" == found["header"]
    assert made.nonce in told
    assert all(f"`{name}`" in told for name in TEXTS)


def test_a_message_holds_no_text_of_a_person_and_a_salt_for_each() -> None:
    made = sign_command(KEY, "submit_contribution", PIECE)
    for text in ("Unmistakable", "verse", "the third"):
        assert text not in made.message
    title = json.loads(made.message)["arguments"]["title"]
    assert title == digest_of(salt_of(made.nonce, "title", "Unmistakable"), "title", "Unmistakable")
    assert sign_command(KEY, "submit_contribution", PIECE).message != made.message


# -- recorded ------------------------------------------------------------------------------


def test_every_fact_of_a_signed_command_holds_the_signature(database: str) -> None:
    with story(database) as told:
        ana = registered(told)
        before = told.head()
        signed(told, "submit_contribution", **PIECE)
        signed(told, "redate_work", id=PIECE["id"], made_at="2001", reason="my notebook")
        facts = [placed.fact() for placed in told.facts()[before:]]
        assert [fact.TOPIC for fact in facts] == [
            "outside.cited",
            "contribution.submitted",
            "credit.claimed",
            "credit.accepted",
            "remix.declared",
            "work.redated",
        ]
        for fact in facts:
            assert fact.message
            assert fact.signature
            check_signature(ana, fact.message, fact.signature, [KEY.verifier])
            with pytest.raises(NotVerified):
                check_signature(ana, facts[0].message or "", facts[-1].signature or "", [])
        assert len({fact.message for fact in facts}) == 2


def test_a_signed_post_is_repeated_without_harm_and_an_unsigned_one_is_welcome(
    database: str,
) -> None:
    with story(database) as told:
        ana = registered(told)
        first = signed(told, "submit_contribution", **PIECE)
        head = told.head()
        assert signed(told, "submit_contribution", **PIECE) == first
        assert told.tell("submit_contribution", actor=ana, **PIECE) == first
        assert told.head() == head
        told.tell("redate_work", id=PIECE["id"], made_at="2001", reason="r", actor=ana)
        assert told.facts()[-1].fact().signature is None


def test_an_old_yes_is_not_taken_again(database: str) -> None:
    """Whoever holds a signed request can't repeat it when something else was said since."""
    with story(database) as told:
        ana = registered(told)
        credit = told.credit(told.piece("piece"), ana)
        said = {"id": credit, "reason": "yes"}
        yes = sign_command(KEY, "accept_credit", said)
        accept = told.journal.record(BY_OPERATION["accept_credit"].of(said), by=ana, signing=yes)
        assert (
            told.journal.record(BY_OPERATION["accept_credit"].of(said), by=ana, signing=yes)
            == accept
        )
        told.tell("decline_credit", id=credit, actor=ana, reason="no")
        with pytest.raises(BadSignature, match="already been used"):
            told.journal.record(BY_OPERATION["accept_credit"].of(said), by=ana, signing=yes)


def test_what_was_not_signed_is_not_recorded_as_signed(database: str) -> None:
    with story(database) as told:
        ana = registered(told)
        head = told.head()
        sent = sign_command(KEY, "submit_contribution", PIECE).sent
        others: list[dict[str, Any]] = [
            {"title": "Unmistaken"},
            {"id": id_of("other")},
            {"sources": []},
            {"authors": [{"contributor": ANA, "role": "singer", "display": "verse"}]},
        ]
        for other in others:
            said = PIECE | other
            signing = read_signing(sent, ana, "submit_contribution", said)
            with pytest.raises(BadSignature, match="does not hold"):
                told.journal.record(
                    BY_OPERATION["submit_contribution"].of(said), by=ana, signing=signing
                )
        for command in ("redate_work", "submit_contributions"):
            signing = read_signing(sent, ana, command, PIECE)
            with pytest.raises(BadSignature, match="does not hold"):
                told.journal.record(
                    BY_OPERATION["submit_contribution"].of(PIECE), by=ana, signing=signing
                )
        # What is recorded is spelled as the service spells it; so it is to be signed like that.
        authors = [{"contributor": ana, "role": "Author"}]
        with pytest.raises(BadSignature, match="“role” is writer, which was not signed"):
            signed(told, "submit_contribution", **(PIECE | {"authors": authors}))
        with pytest.raises(BadSignature, match="must name the id"):
            signed(told, "assemble_release", title="x", components=[{"work": told.piece("p")}])
        assert told.head() == head + 1


def test_whatever_is_signed_names_what_it_brings_into_being(database: str) -> None:
    with story(database) as told:
        ana = registered(told)
        whole = told.release("ep", told.piece("p", actor=ana), actor=ana)
        opened = {"release": whole, "name": "x", "kind": "song", "currency": "EUR"}
        with pytest.raises(BadSignature, match="must name the id"):
            signed(told, "open_pool", **opened, terms={"type": "agreed"})
        assert signed(told, "open_pool", **opened, terms={"type": "agreed"}, id=id_of("pool"))


def test_who_signs_a_new_name_says_what_becomes_of_the_former_one(database: str) -> None:
    """What is erased is never decided by a default that was not signed."""
    with story(database) as told:
        ana = registered(told)
        with pytest.raises(BadSignature, match="“former” is erased, which was not signed"):
            signed(told, "rename_contributor", id=ana, name="Anna")
        assert signed(told, "rename_contributor", id=ana, name="Anna", former="erased")


def test_only_a_key_that_the_actor_has_registered_signs(database: str) -> None:
    with story(database) as told:
        ana, ben = told.person("ana"), told.person("ben")
        with pytest.raises(BadSignature, match="no known key"):
            signed(told, "submit_contribution", **PIECE)
        told.tell("register_key", id=ana, key=str(KEY.verifier))  # the operator vouches
        signed(told, "submit_contribution", **PIECE)
        with pytest.raises(BadSignature, match="no known key"):
            signed(told, "withdraw_contribution", SignerKey.new(ana), id=PIECE["id"], reason="r")
        operators = SignerKey.new("operator")
        with pytest.raises(BadSignature, match="only contributors"):
            signed(told, "withdraw_contribution", operators, id=PIECE["id"], reason="r")
        told.tell("revoke_key", id=ana, key=str(KEY.verifier), actor=ana, reason="lost")
        with pytest.raises(BadSignature, match="no known key"):
            signed(told, "withdraw_contribution", id=PIECE["id"], reason="r")

        for key, id in (
            ("nonsense", ana),
            (str(SignerKey.new(ben).verifier), ana),
            (str(SignerKey.new(ana, COSIGNATURE).verifier), ana),
            (str(KEY.verifier), ana),  # a key that was revoked does not come back
        ):
            with pytest.raises(BadSigningKey):
                told.tell("register_key", id=id, key=key, actor=id)
        with pytest.raises(BadSigningKey):
            told.tell("revoke_key", id=ben, key=str(KEY.verifier), actor=ben)
        with pytest.raises(NotPermitted):
            told.tell("register_key", id=ana, key=str(SignerKey.new(ana).verifier), actor=ben)
        told.tell("merge_contributor", id=ben, into=ana)
        with pytest.raises(WrongState):
            told.tell("register_key", id=ben, key=str(SignerKey.new(ben).verifier))


@pytest.mark.parametrize(
    "command, topic, said",
    [
        ("record_expense", "expense.recorded", {"id": id_of("e"), "pool": "p", "payer": ANA}),
        ("amend_pool", "pool.amended", {"pool": id_of("e"), "terms": {}, "reason": "r"}),
        ("decline_share", "share.declined", {"proposal": "p", "reason": "r"}),
        ("return_payout", "payout.returned", {"id": id_of("e"), "reason": "r"}),
    ],
)
def test_of_what_was_signed_about_money_nothing_is_left_out(
    command: str, topic: str, said: dict[str, Any]
) -> None:
    message, id = sign_command(KEY, command, said).message, id_of("e")
    signed = json.loads(message)["arguments"].items()
    told = {name: value for name, value in signed if value != id} | {"actor": ANA}
    must_fit(message, told, topic, id, 2)
    for name in told.keys() - {"actor"}:
        with pytest.raises(NotVerified, match=f"“{name}” was signed and is not recorded"):
            must_fit(message, {n: v for n, v in told.items() if n != name}, topic, id, 2)


def test_a_message_that_says_something_else_does_not_fit_a_fact() -> None:
    """As a verifier finds it whose operator recorded something else under a true signature."""
    id, work = id_of("c"), id_of("w")
    said = {"id": id, "work": work, "contributor": "b", "role": "editor", "kind": "influence"}
    message = sign_command(KEY, "open_credit", said).message
    fits = {name: value for name, value in said.items() if name != "id"} | {"actor": ANA}

    def fit(content: dict[str, Any], topic: str = "credit.claimed", of: str = id) -> None:
        must_fit(message, content, topic, of, 1)

    fit(fits | {"made": "ours"})
    for name, other in (
        *(("role", "singer"), ("contributor", "x"), ("kind", "direct")),
        *(("role", "Editor"), ("role", "editor "), ("role", "e\u0301ditor"), ("role", ["editor"])),
    ):
        with pytest.raises(NotVerified, match=re.escape(f"“{name}” is {other}")):
            fit(fits | {name: other})
    with pytest.raises(NotVerified, match="“evidence”"):
        fit(fits | {"evidence": "digest"})
    with pytest.raises(NotVerified, match="“role” was signed and is not recorded"):
        fit({name: value for name, value in fits.items() if name != "role"})
    with pytest.raises(NotVerified, match="is of"):
        fit(fits | {"actor": "ben"})
    with pytest.raises(NotVerified, match=r"which records no credit\.revoked"):
        fit(fits, "credit.revoked")
    with pytest.raises(NotVerified, match="for something else"):
        fit(fits, of=id_of("another"))
    for spelled in (
        message.replace('"role":"editor"', '"role":"singer","role":"editor"'),
        message.replace('"role":"editor"', '"role": "editor"'),
        message.replace('"role":"editor"', '"role":"\\u0065ditor"'),
        message.replace('"actor":', '"actor":"x","actor":'),
    ):
        with pytest.raises(NotVerified, match="the message is not in its only spelling"):
            must_fit(spelled, fits, "credit.claimed", id, 1)


@pytest.mark.parametrize("said, told", [(1, 1.0), (1, True), (0, False), ("1", 1)])
def test_a_number_that_was_signed_is_recorded_as_that_number(said: Any, told: Any) -> None:
    pool = id_of("pool")
    command = {"pool": pool, "amount_minor": said, "source": "shop", "id": id_of("revenue")}
    message = sign_command(KEY, "record_revenue", command).message
    fits = {"pool": pool, "amount_minor": said, "source": "shop", "actor": ANA}
    must_fit(message, fits, "revenue.recorded", id_of("revenue"), 1)
    with pytest.raises(NotVerified, match="“amount_minor” is"):
        must_fit(message, fits | {"amount_minor": told}, "revenue.recorded", id_of("revenue"), 1)


def test_a_fact_that_could_be_read_in_several_ways_is_none() -> None:
    """Programs differ in which of two fields of one name they read."""
    state = b'{"timestamp":"2026-01-01T00:00:00.000000Z","actor":"a","role":"x"}'
    assert content_of(Leaf(1, "id", 1, "credit.granted", state))["role"] == "x"
    for spelled in (
        state.replace(b'"role"', b'"role":"y","role"'),
        state.replace(b":", b": ", 1),
        state.replace(b'"x"', b'"\\u0078"'),
    ):
        with pytest.raises(NotVerified, match="not in its only spelling"):
            content_of(Leaf(1, "id", 1, "credit.granted", spelled))
    for number in (b"NaN", b"1.0", b"1e5"):
        with pytest.raises(NotVerified, match="holds no fact"):
            content_of(Leaf(1, "id", 1, "credit.granted", state.replace(b'"x"', number)))


ODD = (None, True, 0, 1.5, "x", "2020-13-45", [], {}, [1, "2", None], {"uri": 5}, 10**30)


def oddly(value: Any) -> Iterator[Any]:
    """JSON with something else in one of its places, or without it."""
    yield from ODD
    for key in value if isinstance(value, dict) else range(len(value) * isinstance(value, list)):
        copied = value.copy()
        for odd in oddly(value[key]):
            copied[key] = odd
            yield copied
        if isinstance(value, dict):
            yield {name: one for name, one in value.items() if name != key}


def test_what_is_no_fact_or_no_command_gets_a_verdict_and_no_other_error() -> None:
    """From an operator who signs the log, and an actor who signs anything at all."""
    signing = sign_command(KEY, "submit_contribution", PIECE, log=LOG.name)
    content = {"timestamp": "", "actor": ANA, "binds": str(signing.bound), "medium": "text"}
    said = json.loads(signing.message)
    deep = "[" * 100_000
    odd = [json.dumps(one, sort_keys=True, separators=(",", ":")) for one in oddly(said)]
    for message in (*odd, deep, deep.replace("[", '{"a":')):
        with suppress(NotVerified):
            must_fit(message, content, "contribution.submitted", PIECE["id"], 1)
    content |= {"message": "x", "signature": "x", "among": [{"contributor": ANA}], "assets": []}
    states = [json.dumps(one, separators=(",", ":")) for one in oddly(content)]
    for state in (*states, deep):
        for topic in ("contributor.divided", "share.offered", "contributor.key_registered"):
            leaf = Leaf(1, ANA, 1, topic, state.encode(), (Link(ANA, 1, 0, b""),))
            with suppress(NotVerified):
                Chains([LOG.name]).follow(leaf, b"")


def test_a_signature_used_twice_is_seen_in_the_log(database: str) -> None:
    with story(database) as told:
        registered(told)
        signed(told, "submit_contribution", **PIECE)
        told.person("ben")
        chains = Chains()
        read = [read_leaf(placed.leaf()) for placed in told.facts()]
        for leaf in read:
            chains.follow(leaf, leaf_hash(leaf_bytes(*leaf)))
        again = read[2]._replace(position=len(read) + 1, links=(), topic="credit.accepted")
        with pytest.raises(NotVerified, match="it reuses the signature of position 7"):
            chains.follow(again, leaf_hash(leaf_bytes(*again)))


# -- forgotten, and put back ---------------------------------------------------------------


def test_a_signature_outlives_the_text_and_does_not_give_it_away(database: str) -> None:
    with story(database) as told:
        ana = registered(told)
        signed(told, "submit_contribution", **PIECE)
        signed(told, "withdraw_contribution", id=PIECE["id"], reason="too private")
        (submitted,) = (p for p in told.facts() if p.topic == "contribution.submitted")
        kept = history.disclosures(told.journal, submitted)
        assert [name for _, name, _ in kept] == ["message"]
        (salt, _, message) = kept[0]
        happened = submitted.fact()
        assert happened.message == digest_of(salt, "message", message)
        check_signature(ana, happened.message, happened.signature or "", [KEY.verifier])
        must_fit(message, content_of(read_leaf(submitted.leaf())), submitted.topic, PIECE["id"], 1)
        # Whoever guesses the title right can't show it: neither its salt nor the nonce is kept.
        salts = [salt for (salt,) in told.journal.engine.query("SELECT salt FROM vault")]
        title = json.loads(message)["arguments"]["title"]
        assert all(digest_of(salt, "title", "Unmistakable") != title for salt in salts)


def test_an_export_carries_signatures_and_messages(database: str, tmp_path: Path) -> None:
    with story(database) as told, story(f"sqlite:///{tmp_path / 'back.db'}") as back:
        registered(told)
        signed(told, "submit_contribution", **PIECE)
        lines = [bundle.FoundLine("", line) for line in bundle.export_lines(told.journal)]
        assert bundle.import_lines(back.journal, lines).refused == []
        assert [p.leaf() for p in back.facts()] == [p.leaf() for p in told.facts()]
        (one, other) = (
            [history.disclosures(story.journal, p) for p in story.facts()] for story in (told, back)
        )
        assert one == other


# -- over HTTP, and offline ----------------------------------------------------------------


def post_signed(client: Client, path: str, sent: str, body: dict[str, Any]) -> Answer:
    headers = {"Content-Type": "application/json", "Stemma-Signature": sent}
    return client.send("POST", path, json.dumps(body).encode(), headers)


@pytest.mark.parametrize("text", ["", "[]", '{"disclosures": 5}', '{"disclosures": ' + "[" * 9999])
def test_what_holds_no_disclosures_is_said_to_hold_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "texts").write_text(text)
    with pytest.raises(NotVerified, match="does not hold disclosures"):
        read_disclosures(tmp_path / "texts")


def test_a_request_is_signed_and_its_receipt_shows_it_offline(
    database: str, tmp_path: Path
) -> None:
    run = CliRunner().invoke
    with serving(database, follow=False) as served:
        ana = served.admit("Ana")
        secret = tmp_path / "ana.key"
        public = run(main, ["key", "pair", ana, str(secret)]).output.strip()
        assert secret.stat().st_mode & 0o077 == 0
        acting = served.acting(ana)
        registered_at = acting.post(f"/contributors/{ana}/register-key", key=public).json
        body = {**PIECE, "authors": [{"contributor": ana, "role": "writer"}]}
        (tmp_path / "body").write_text(json.dumps(body))
        words = ["sign", "POST", "/contributions", str(tmp_path / "body"), "--key", str(secret)]
        sent = run(main, words).output.strip().removeprefix("Stemma-Signature: ")
        for client, said in ((acting, {**body, "title": "x"}), (served.operator, body)):
            assert post_signed(client, "/contributions", sent, said).code == "bad_signature"
        assert post_signed(acting, "/contributions", "nonsense", body).code == "bad_signature"
        posted = post_signed(acting, "/contributions", sent, body)
        assert posted.status == 201
        assert post_signed(acting, "/contributions", sent, body).json == posted.json
        withdraw, told_at = {"reason": "regret"}, f"/contributions/{posted.id}/withdraw"
        (tmp_path / "body").write_text(json.dumps(withdraw))
        words = ["sign", "post", f"{served.origin}{told_at}", str(tmp_path / "body")]
        sent_later = run(main, [*words, "--key", str(secret)]).output.strip().partition(": ")[2]
        served.service.follower.catch_up()
        served.service.log.catch_up()
        told = acting.get(f"/works/{posted.id}/history").items
        assert [one["signed"] for one in told] == [True] * len(told)

        key = acting.get("/log/key").text.strip()
        for place, file in ((told[0], "fact"), (registered_at, "key")):
            text = acting.get(f"/facts/{place['position']}/receipt").text
            (tmp_path / file).write_text(text)
        texts = acting.get(f"/facts/{told[0]['position']}/disclosures").text
        assert acting.get("/facts/99/disclosures").code == "not_in_log"
        (tmp_path / "texts").write_text(texts)

        def verify(*more: str) -> tuple[int, str]:
            done = run(main, ["verify", "receipt", str(tmp_path / "fact"), "--key", key, *more])
            return done.exit_code, done.output

        disclosed = ("--disclosures", str(tmp_path / "texts"))
        for by in (public, str(tmp_path / "key")):
            code, output = verify("--actor-key", by, *disclosed)
            assert code == 0, output
            assert f"signed      by {ana} with {public.split('+')[1]}" in output
            assert "title       Unmistakable" in output
            assert 'message     {"actor":' in output
        assert "not checked" in verify()[1]
        assert verify("--actor-key", str(SignerKey.new(ana).verifier))[0] == 1
        assert verify("--actor-key", str(tmp_path / "fact"))[0] == 1
        (tmp_path / "texts").write_text(texts.replace("Unmistakable", "Unmistaken"))
        code, output = verify(*disclosed)
        assert (code, "does not commit to this title" in output) == (1, True)

        assert post_signed(acting, told_at, sent_later, withdraw).status == 200
        served.service.log.catch_up()
        (tmp_path / "texts").write_text(
            acting.get(f"/facts/{told[0]['position']}/disclosures").text
        )
        code, output = verify("--actor-key", public, *disclosed)
        assert (code, "Unmistakable" in output) == (0, False)


def test_a_key_that_was_registered_later_has_signed_nothing_before(
    database: str, tmp_path: Path
) -> None:
    """… and witnesses who are asked for must have seen its registration, too."""
    witness = SignerKey("witness.example/w", bytes(range(1, 33)), COSIGNATURE)
    with story(
        database, signer=SignerKey.new("stemma.example/log"), witnesses=[witness.verifier]
    ) as told:
        ana, log = registered(told), told.service.log
        signed(told, "submit_contribution", **PIECE)
        told.tell("register_key", id=ana, key=str(SignerKey.new(ana).verifier), actor=ana)
        log.catch_up()
        (tmp_path / "unseen").write_bytes(log.receipt(2))
        note, seconds = log.latest(), int(told.service.journal.clock().timestamp())
        text = note.partition(b"\n\n")[0] + b"\n\n"
        log.add_cosignatures(text + cosign(note, witness, seconds).encode())
        for file, position in (("key", 2), ("fact", 3), ("later", told.head())):
            (tmp_path / file).write_bytes(log.receipt(position))
        key = str(log.public_keys()[0])
    words = ["verify", "receipt", str(tmp_path / "fact"), "--key", key]
    seen = ["--witness", str(witness.verifier)]
    for by, more, said in (
        ("key", [], "signed      by"),
        ("unseen", [], "signed      by"),
        ("later", [], "which is later"),
        ("key", seen, "signed      by"),
        ("unseen", seen, "cosigned by 0 of the witnesses"),
    ):
        done = CliRunner().invoke(main, [*words, *more, "--actor-key", str(tmp_path / by)])
        assert said in done.output, (by, more, done.output)


def test_the_command_line_signs_what_it_records(tmp_path: Path) -> None:
    database = ["--database", f"sqlite:///{tmp_path / 'stemma.db'}"]

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, [*database, *words])
        return done.exit_code, done.output.strip()

    run("contributor", "add", "--id", "ana", "--name", "Ana")
    secret = str(tmp_path / "ana.key")
    _, public = run("key", "pair", "ana", secret)
    assert run("contributor", "register-key", "ana", "--key", public, "--by", "ana")[0] == 0
    post = ("contribution", "post", "--id", "poem", "--title", "T", "--medium", "text")
    assert run(*post, "--author", "ana writer", "--sign", secret)[0] == 1  # the operator acts
    assert run(*post, "--author", "ana writer", "--sign", secret, "--by", "ana")[0] == 0
    told = json.loads(run("history", "poem", "--json")[1])
    assert [one["signed"] for one in told["items"]] == [True] * 3
    for body in ("{", "[1]"):
        (tmp_path / "body").write_text(body)
        told = run("sign", "POST", "/credits", str(tmp_path / "body"), "--key", secret)
        assert (told[0], "The body is not" in told[1]) == (1, True)
    assert run("sign", "POST", "/credits", secret, "--key", str(tmp_path / "body"))[0] == 1
    assert run("key", "pair", "ana", secret)[0] == 1  # one that is there is kept


def test_every_route_that_takes_a_signature_is_signed_by_its_path(tmp_path: Path) -> None:
    """… and no other; the header is one that the service takes for exactly this request."""
    (tmp_path / "key").write_text(KEY.secret_text())
    with serving(f"sqlite:///{tmp_path / 'stemma.db'}", follow=False) as served:
        document = served.operator.document
    signed_routes = 0
    for method, template, operation in operations(document):
        parameters = document["paths"][template].get("parameters", [])
        ids = {one["name"]: str(one["schema"]["examples"][0]) for one in parameters}
        content = operation.get("requestBody", {}).get("content", {})
        body = content.get("application/json", {}).get("example", {})
        (tmp_path / "body").write_text(json.dumps(body))
        path = template.format_map({name: id.upper() for name, id in ids.items()})
        words = ["sign", method, path, str(tmp_path / "body"), "--key", str(tmp_path / "key")]
        done = CliRunner().invoke(main, words)
        if all(one["name"] != SIGNATURE for one in operation.get("parameters", [])):
            assert (done.exit_code, "Nothing is signed at" in done.output) == (1, True), path
            continue
        assert done.exit_code == 0, done.output
        sent, name = done.output.strip().partition(": ")[2], operation["operationId"]
        signing = read_signing(sent, ANA, name, {**ids, **body})
        check_signature(ANA, signing.disclosure().digest, signing.signature, [KEY.verifier])
        signed_routes += 1
    assert signed_routes > 40


def test_what_no_route_takes_is_not_signed(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY.secret_text())
    for path, said in (
        ("/nothing", "Nothing is signed at POST /nothing"),
        ("/post", "Nothing is signed at POST /post"),  # a form
        ("/credits/ear/accept", "There is no credit ear. (unknown_credit)"),
    ):
        words = ["sign", "POST", path, "--key", str(tmp_path / "key")]
        done = CliRunner().invoke(main, words, input="")
        assert (done.exit_code, done.stderr) == (1, f"Error: {said}\n")


def test_the_kinds_of_facts_of_every_command_are_listed() -> None:
    """A new command needs a line in domain/stated.py, so that a verifier knows its facts."""
    assert set(BRINGS) == set(BY_OPERATION)
    kinds = {kind for line in BRINGS.values() for kind in line.replace(">", " ").split()}
    assert kinds <= set(FACTS)


# -- a signature fits no other act ---------------------------------------------------------


LOG = SignerKey.new("stemma.example/log")


def forged(told: Any, signing: Any, kind: type[Any], id: str, /, **content: Any) -> int:
    """A fact that the operator records under a true signature of somebody; its position."""
    message = signing.disclosure()
    happened = kind(
        originator_id=id,
        originator_version=len(told.journal.facts.streams([id])) + 1,
        timestamp=told.journal.clock(),
        actor=signing.actor,
        message=message.digest,
        signature=signing.signature,
        binds=str(signing.bound) if signing.bound else None,
        **content,
    )
    stored = told.journal.mapper.to_stored_event(happened)
    (position,) = told.journal.append_stored([stored], facts=[happened], disclosures=[message])
    told.service.log.catch_up()
    return int(position)


def verdict(told: Any, position: int, folder: Path, *, disclosed: bool) -> tuple[int, str]:
    """What “verify receipt --actor-key” says of a fact."""
    (folder / "fact").write_bytes(told.service.log.receipt(position))
    words = ["verify", "receipt", str(folder / "fact"), "--key", str(LOG.verifier)]
    if disclosed:
        (placed,) = told.journal.facts.at([position])
        texts = {"disclosures": history.disclosures(told.journal, placed)}
        (folder / "texts").write_text(json.dumps(texts))
        words += ["--disclosures", str(folder / "texts")]
    done = CliRunner().invoke(main, [*words, "--actor-key", str(KEY.verifier)])
    return done.exit_code, done.output


def said_of_the_log(told: Any) -> str:
    """What keeps the whole log from being verified; empty if nothing does."""
    chains = Chains([LOG.name])
    try:
        for placed in told.journal.read():
            chains.follow(read_leaf(placed.leaf()), leaf_hash(placed.leaf()))
    except NotVerified as problem:
        return str(problem)
    return ""


def audited(told: Any) -> str:
    found = all_differences(CHECKS["signatures"], told.service, no_progress)
    return found if isinstance(found, str) else "\n".join(map(str, found))


def test_what_is_signed_fits_all_facts_of_its_command_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of every command; the operator, who has no key, is taken for somebody who has one."""

    def take(draft: Any, signing: Any) -> None:
        draft.signing, draft._sheet = signing, draft.SHEET(draft.actor, draft.now, signing)

    def tell(told: Any, command: str, **said: Any) -> Any:
        key, kind = (
            SignerKey(said.pop("actor", "operator"), bytes(range(32))),
            BY_OPERATION[command],
        )
        if said.get("source") == "text-source_name":  # signed as it will be recorded
            said |= {"source": "other", "source_name": said["source"]}
        said.setdefault(kind.subject(), id_of(f"{command} {told.head()}"))
        asked = kind.of({name: one for name, one in said.items() if name in named(kind)})
        signing = sign_command(key, command, asked.plain(), log=LOG.name)
        return told.journal.record(asked, by=key.name, signing=signing)

    def named(kind: Any) -> set[str]:
        return {one.name for one in kind.fields()}

    def fits(message: str, placed: Any, **changed: Any) -> bool:
        content = {**placed.content(), "actor": json.loads(message)["actor"], **changed}
        del content["binds"]
        with suppress(NotVerified):
            id, version, topic = placed[1:4]
            must_fit(message, content, topic, id, version)
            return True
        return False

    monkeypatch.setattr(Draft, "_must_have_signed", take)
    monkeypatch.setattr(Story, "tell", tell)
    with story(f"sqlite:///{tmp_path / 'a.db'}") as told:
        every_table(told)
        facts = [one for one in told.facts() if "message" in one.content()]
        texts = told.journal.facts.texts({one.content()["message"] for one in facts})
    assert len(texts) > 100
    for digest, message in texts.items():
        said = json.loads(message)
        own = [one for one in facts if one.content()["message"] == digest]
        for one in {*facts} - {*own}:
            with suppress(NotVerified):
                if brings(said["command"], one.topic) == "states":
                    assert not fits(message, one), (said["command"], one)
        for one in own:
            content, kind = one.content(), one.topic
            names = said["arguments"].keys() & content.keys()
            if brings(said["command"], kind) == "follows":
                names -= {"kind", "amount_minor", "lines", "payee" if "share." in kind else ""}
            for name in names:
                assert not fits(message, one, **{name: "changed"}), (kind, name)
            if BOOKED.get(kind) in said["arguments"]:
                lines = [[who, 3 * units, *more] for who, units, *more in content["lines"]]
                amount_minor = 3 * content["amount_minor"]
                assert not fits(message, one, lines=lines, amount_minor=amount_minor), kind


@pytest.mark.parametrize("log", [LOG.name, ""], ids=["this form", "the first form"])
def test_a_signature_that_was_moved_to_another_act_is_noticed(
    log: str, database: str, tmp_path: Path
) -> None:
    """With the message by everybody; without it by the form that names command and target."""
    with story(database, signer=LOG) as told:
        registered(told)
        ben = told.person("ben")
        credit = told.credit(told.piece("piece"), ben)
        work = told.facts()[-1].fact().work
        signing = sign_command(KEY, "submit_contribution", PIECE, log=log)
        at = forged(told, signing, Credit.Revoked, credit, work=work, contributor=ben)
        code, output = verdict(told, at, tmp_path, disclosed=True)
        assert (code, "which records no credit.revoked" in output) == (1, True), output
        code, output = verdict(told, at, tmp_path, disclosed=False)
        assert code == (1 if log else 3), output
        assert ("no credit.revoked" in said_of_the_log(told)) == bool(log)
        assert f"position {at}: submit_contribution was signed" in audited(told)


@pytest.mark.parametrize("log", [LOG.name, ""], ids=["this form", "the first form"])
def test_a_changed_role_of_a_signed_fact_is_not_proven_or_refuted(
    log: str, database: str, tmp_path: Path
) -> None:
    with story(database, signer=LOG) as told:
        ana = registered(told)
        said = {"id": id_of("mine"), "work": told.piece("piece"), "contributor": ana}
        signing = sign_command(KEY, "open_credit", {**said, "role": "editor"}, log=log)
        content = {"work": said["work"], "contributor": ana, "kind": "direct", "role": "singer"}
        at = forged(told, signing, Credit.Claimed, said["id"], **content)
        code, output = verdict(told, at, tmp_path, disclosed=False)
        assert (code, "NOT PROVEN: that" in output) == (3, True), output
        code, output = verdict(told, at, tmp_path, disclosed=True)
        assert (code, "“role” is singer, which was not signed" in output) == (1, True), output
        assert f"position {at}: the field “role” is singer" in audited(told)


def test_what_was_signed_says_for_which_log_command_and_target(
    database: str, tmp_path: Path
) -> None:
    with story(database, signer=LOG) as told:
        ana = registered(told)
        for number, log in enumerate((LOG.name, "")):
            said = {**PIECE, "id": id_of(f"poem {number}")}
            signing = sign_command(KEY, "submit_contribution", said, log=log)
            receipt = told.journal.record(
                BY_OPERATION["submit_contribution"].of(said), by=ana, signing=signing
            )
            told.service.log.catch_up()
            code, output = verdict(told, receipt.position, tmp_path, disclosed=True)
            named = f"submit_contribution of {said['id']} in {LOG.name}" if log else "first form"
            assert (code, named in output) == (0, True), output
        for other in ("log.example/other", ""):
            elsewhere = sign_command(KEY, "ask_first", {"id": ana}, log=other)
            at = forged(told, elsewhere, Contributor.AskedFirst, ana)
            code, output = verdict(told, at, tmp_path, disclosed=True)
            assert (code, "for the log log.example/other" in output) == (int(bool(other)),) * 2
        assert "for the log log.example/other" in said_of_the_log(told)


@pytest.mark.parametrize(
    "wrong",
    [{"signature": "garbage"}, {"signature": None}, {"message": None}, {"binds": "a b"}],
    ids=str,
)
def test_a_garbled_or_stripped_signature_is_seen_in_the_log(
    wrong: dict[str, Any], database: str
) -> None:
    """The keys are in the log, so no other knowledge is needed."""
    with story(database, signer=LOG) as told:
        ana = registered(told)
        signing = sign_command(KEY, "ask_first", {"id": ana}, log=LOG.name)
        message = signing.disclosure()
        told_of = {"message": message.digest, "signature": signing.signature} | wrong
        happened = Contributor.AskedFirst(
            originator_id=ana,
            originator_version=3,
            timestamp=told.journal.clock(),
            actor=ana,
            **({"binds": str(signing.bound)} | told_of),
        )
        stored = told.journal.mapper.to_stored_event(happened)
        told.journal.append_stored([stored], disclosures=[message])
        assert said_of_the_log(told).startswith("position 3: ")
        assert audited(told).startswith("position 3: ")
