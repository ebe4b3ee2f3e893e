"""Keys have a scope, an end and a last use, and belong to who holds them."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from commanding import Stemma
from serving import OPERATOR_KEY, Client, Served, serving
from test_pages import Page, reader, signed_in

from api.identity.keys import ID_LENGTH, digest_of
from api.identity.scope import WORDS, Scope
from domain.permission import OPERATOR
from domain.refusal import BadScope
from domain.registry import COMMANDS
from scripts.service import open_service
from scripts.stemma import main


@pytest.fixture
def served(database: str) -> Iterator[Served]:
    with serving(database) as running:
        yield running


def made(client: Client, **said: Any) -> dict[str, Any]:
    """A new key, as the answer shows it."""
    answer = client.post("/keys", said)
    assert answer.status == 201, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    return dict(answer.json)


def soon(found: Callable[[], Any]) -> Any:
    """What is found within five seconds: what a key was used for is written beside the request."""
    until = time.monotonic() + 5
    while not (value := found()) and time.monotonic() < until:
        time.sleep(0.02)
    return value


# -- scope ---------------------------------------------------------------------------------------


def test_a_key_that_only_reads_writes_nothing(served: Served) -> None:
    ana = served.acting(served.admit("Ana"))
    key = served.client(made(ana, scope="read")["key"])
    assert key.get("/works").status == 200
    head = served.head
    for path in ("/contributions", "/releases", "/keys"):
        answer = key.post(path, title="A poem", medium="text")
        assert answer.status in {403, 422}, path
    answer = key.post("/contributions", title="A poem", medium="text")
    assert (answer.status, answer.code) == (403, "outside_scope")
    assert served.head == head


def test_a_key_does_what_its_words_say_and_no_more(served: Served) -> None:
    ana = served.acting(served.admit("Ana"))
    posts = served.client(made(ana, scope="contribution")["key"])
    poem = posts.post("/contributions", title="A poem", medium="text").id
    assert posts.post(f"/contributions/{poem}/withdraw", reason="x").status == 200
    for answer in (posts.get("/works"), posts.post("/works/nobody/redate", reason="x")):
        assert (answer.status, answer.code) == (403, "outside_scope")
    withdraws = served.client(made(ana, scope="read release.withdraw")["key"])
    assert withdraws.get("/works").status == 200
    assert withdraws.post("/releases", title="A", components=[{"work": poem}]).code == (
        "outside_scope"
    )


def test_a_key_that_does_not_read_is_shown_what_anybody_is(served: Served) -> None:
    ana = served.admit("Ana Mute")
    song = served.post_piece("A mute song", by=ana)
    served.operator.post("/releases", title="A mute album", components=[{"work": song}])
    key = made(served.acting(ana), scope="contribution")["key"]
    page = {"Accept": "text/html"}
    served.service.log.catch_up()  # else the next checkpoint may come between two requests
    for path in ("/", "/audit", "/docs", "/sign-in"):
        seen, nobody = (served.client(one).get(path, headers=page) for one in (key, None))
        assert (seen.status, seen.text) == (200, nobody.text), path
    assert "A mute album" in served.acting(ana).get("/", headers=page).text
    assert served.client(key).get(f"/piece/{song}", headers=page).status == 403


def test_a_key_that_neither_reads_nor_manages_keys_sees_itself_alone(served: Served) -> None:
    ana = served.acting(served.admit("Ana"))
    mine = [made(ana, scope=one, label=one)["key"] for one in ("contribution", "read", "keys")]
    seen = [{one["label"] for one in served.client(key).get("/keys").items} for key in mine]
    assert seen == [{"contribution"}, *[{None, "contribution", "read", "keys"}] * 2]
    books = made(served.operator, scope="revenue", label="books")["key"]
    assert [one["label"] for one in served.client(books).get("/keys").items] == ["books"]
    (own,) = served.client(books).get("/keys").items
    assert served.client(books).post(f"/keys/{own['id']}/end").status == 200


def test_a_key_with_a_scope_sends_nothing_elsewhere(served: Served) -> None:
    """Else who finds a key that only reads has mail sent to themselves, long after it has ended."""
    ana = served.acting(served.admit("Ana"))
    hook = ana.post("/webhooks", url="https://ana.example/").id
    ana.post("/notifications", address="ana@ana.example")
    words = made(ana, scope="read contribution keys")["key"]
    key, someone = served.client(words), reader(served).sign_in(words)
    token = {"form_token": someone.get("/post").token}
    for answer in (
        key.post("/webhooks", url="https://eve.example/"),
        *(key.post(f"/webhooks/{hook}/{verb}") for verb in ("end", "enable")),
        key.post(f"/webhooks/{hook}/replay", after=0),
        key.post("/notifications", address="eve@eve.example"),
        key.post("/notifications/end"),
    ):
        assert (answer.status, answer.code) == (403, "outside_scope")
    for path in ("/own-webhooks", "/own-notifications"):
        sent = {"url": "https://eve.example/", "address": "eve@eve.example"}
        page = someone.post(path, {**token, **sent})
        assert (page.status, "outside_scope" in page.text) == (403, True), path
    assert [one["url"] for one in key.get("/webhooks").items] == ["https://ana.example/"]
    assert [one["address"] for one in key.get("/notifications").items] == ["ana@ana.example"]


def test_a_scope_never_adds_to_what_the_holder_may_do(served: Served) -> None:
    ana = served.admit("Ana")
    key = served.client(made(served.acting(ana), scope="payout role:moderator")["key"])
    assert key.post("/payout-batches", currency="USD").code == "not_permitted"
    ben, cleo = served.admit("Ben"), served.admit("Cleo")
    merge = f"/contributors/{ben}/merge"
    assert key.post(merge, into=cleo).code == "not_permitted"
    served.operator.post(f"/contributors/{ana}/grant-role", role="moderator")
    assert key.post(merge, into=cleo).status == 200
    assert key.post("/contributions", title="A", medium="text").code == "outside_scope"


def test_a_session_has_the_scope_of_its_key(served: Served) -> None:
    ana = served.admit("Ana")
    key = made(served.acting(ana), scope="read")["key"]
    someone, head = reader(served).sign_in(key), served.head
    said = {"form_token": someone.get("/post").token, "title": "A poem", "medium": "text"}
    page = someone.post("/do/contribution", said)
    assert (page.status, "outside_scope" in page.text) == (403, True)
    assert served.head == head
    writes = made(served.acting(ana), scope="contribution")["key"]
    assert reader(served).post("/sign-in", {"key": writes}).status == 401


@pytest.mark.parametrize("scope", ["", " ", "everything", "read write", "role:boss", "READ"])
def test_a_scope_has_known_words(scope: str) -> None:
    with pytest.raises(BadScope):
        Scope.parse(scope)


@pytest.mark.parametrize("said, near", [("reed", "read"), ("credit.acept", "credit.accept")])
def test_an_unknown_word_of_a_scope_is_named_with_the_nearest(said: str, near: str) -> None:
    with pytest.raises(BadScope) as refused:
        Scope.parse(f"contribution {said} keys")
    told = refused.value.details
    named = told["reason"].rpartition(" the nearest are ")[2].split(", ")
    assert (told["scope"], near in named, len({*named})) == (said, True, len(named))
    with pytest.raises(BadScope, match=r"“nothing-like-it”.* a word of a scope.$"):
        Scope.parse("nothing-like-it")


def test_every_word_of_a_scope_allows_something() -> None:
    for word in (*WORDS, *COMMANDS):
        scope = Scope.parse(word)
        allowed = [name for name, command in COMMANDS.items() if scope.allows(command)]
        assert scope.reads or scope.makes_keys or allowed or word == "role:auditor", word
        assert Scope().includes(scope)
        assert not scope.includes(Scope())
    assert Scope.parse("credit").includes(Scope.parse("credit.accept"))
    assert not Scope.parse("credit.accept").includes(Scope.parse("credit"))
    for word in ("read", "keys", "credit.accept"):
        every_other = Scope(tuple(one for one in WORDS if one not in {word, "credit"}))
        assert every_other.includes(Scope.parse(word)) == (word == "credit.accept"), word
    assert Scope.stored("read gone.word").reads


# -- one's own keys ------------------------------------------------------------------------------


def test_people_make_list_and_end_their_own_keys(served: Served) -> None:
    ana, ben = served.admit("Ana"), served.admit("Ben")
    as_ana, as_ben = served.acting(ana), served.acting(ben)
    key = made(as_ana, label="laptop", scope="read")
    assert (key["label"], key["scope"], key["holder"]) == ("laptop", "read", ana)
    listed = {one["id"]: one for one in as_ana.get("/keys").items}
    assert len(listed) == 2
    assert "key" not in listed[key["id"]]
    assert key["key"] not in as_ana.get("/keys").text
    for path in ("replace", "end"):
        answer = as_ben.post(f"/keys/{key['id']}/{path}", {})
        assert (answer.status, answer.code) == (404, "unknown_key")
    answer = as_ben.post("/keys", holder=ana)
    assert (answer.status, answer.code) == (403, "not_permitted")
    assert as_ana.post(f"/keys/{key['id']}/end", {}).json["ended_at"] is not None
    assert served.client(key["key"]).get("/works").status == 401


def test_a_key_says_whether_it_can_be_used_and_when_it_ended(served: Served) -> None:
    ana = served.acting(served.admit("Ana"))
    key = made(ana)
    assert (key["state"], key["ended_at"]) == ("valid", None)
    ended = ana.post(f"/keys/{key['id']}/end", {}).json
    assert ended["state"] == "revoked"
    assert datetime.fromisoformat(ended["ended_at"]) >= datetime.fromisoformat(key["made_at"])
    expires = (datetime.now(UTC) + timedelta(seconds=0.5)).isoformat()
    brief = made(ana, expires_at=expires)
    time.sleep(0.5)
    (listed,) = [one for one in ana.get("/keys").items if one["id"] == brief["id"]]
    assert (listed["state"], listed["ended_at"]) == ("expired", None)


def test_the_operator_makes_and_ends_everybodys_keys(served: Served) -> None:
    ana = served.admit("Ana")
    key = made(served.operator, holder=ana, label="from the operator")
    assert served.client(key["key"]).get("/keys").items[0]["holder"] == ana
    assert [one["id"] for one in served.operator.get("/keys").items] == [key["id"]]
    assert served.operator.post(f"/keys/{key['id']}/end", {}).status == 200
    assert served.client(key["key"]).get("/works").status == 401
    nobody = served.operator.post("/keys", holder="8f7c1f1e-5d6a-4f0e-9f43-2d0c6b1a9eff")
    assert nobody.code == "unknown_contributor"
    served.operator.post(f"/contributors/{ana}/forget", ground="request")
    assert served.operator.post("/keys", holder=ana).code == "contributor_forgotten"


def test_a_key_is_made_replaced_and_ended_without_reading_all_the_others(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys stay listed for good, so there are ever more of them."""
    engine, query, read = served.service.engine, served.service.engine.query, list[Any]()
    for _ in range(20):
        served.service.keys.create(OPERATOR)
    client = served.acting(served.admit("Ana"))

    def counted(sql: str, **values: Any) -> list[Any]:
        rows = query(sql, **values)
        read.extend(rows if "api_keys" in sql else ())
        return rows

    monkeypatch.setattr(engine, "query", counted)
    one = made(client, label="another")
    other = client.post(f"/keys/{one['id']}/replace").json
    assert client.post(f"/keys/{other['id']}/end").json["state"] == "revoked"
    assert len(read) < 20


def test_a_replaced_key_stays_valid_for_its_grace_period_or_not_at_all(served: Served) -> None:
    ana = served.acting(served.admit("Ana"))
    old = made(ana, label="laptop", scope="read")
    using_old = served.client(old["key"])
    new = using_old.post(f"/keys/{old['id']}/replace", {}).json  # every key may replace itself
    assert (new["label"], new["scope"]) == ("laptop", "read")
    assert using_old.get("/works").status == 200
    ends = next(one for one in ana.get("/keys").items if one["id"] == old["id"])["expires_at"]
    ahead = datetime.fromisoformat(ends) - datetime.now(UTC)
    assert timedelta(hours=23) < ahead <= timedelta(hours=24)
    newest = served.client(new["key"]).post(f"/keys/{new['id']}/replace", grace_hours=0).json
    assert served.client(new["key"]).get("/works").status == 401
    assert served.client(newest["key"]).get("/works").status == 200
    answer = ana.post(f"/keys/{new['id']}/replace", {})
    assert (answer.status, answer.code) == (404, "unknown_key")
    assert ana.post(f"/keys/{old['id']}/replace", grace_hours=200).code == "out_of_range"


def test_a_grace_period_does_not_prolong_a_key_that_ends_before(served: Served) -> None:
    ana = served.acting(served.admit("Ana"))
    now = datetime.now(UTC)
    for hours, left in ((2, 2), (200, 24)):
        old = made(ana, expires_at=(now + timedelta(hours=hours)).isoformat())
        new = ana.post(f"/keys/{old['id']}/replace", {}).json
        assert new["expires_at"] == old["expires_at"]
        ends = next(one for one in ana.get("/keys").items if one["id"] == old["id"])["expires_at"]
        ahead = datetime.fromisoformat(ends) - now
        assert abs(ahead - timedelta(hours=left)) < timedelta(minutes=1)


def test_no_key_makes_one_that_may_do_more_or_lives_longer(served: Served) -> None:
    ana = served.acting(served.admit("Ana"))
    until = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    some = served.client(made(ana, scope="read credit keys", expires_at=until)["key"])
    assert made(some)["scope"] == "read credit keys"
    assert made(some, scope="credit.accept")["expires_at"] is not None
    for scope in ("read contribution", "role:accountant", "release"):
        assert some.post("/keys", scope=scope).code == "bad_scope"
    mute = served.client(made(ana, scope="credit keys")["key"])
    for scope in ("read", "credit.accept read"):
        assert mute.post("/keys", scope=scope).code == "bad_scope"
    later = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    assert some.post("/keys", expires_at=later).code == "bad_expiry"
    assert ana.post("/keys", expires_at="2001").code == "bad_expiry"
    reads = served.client(made(ana, scope="read")["key"])
    assert (reads.post("/keys", {}).status, reads.post("/keys", {}).code) == (403, "not_permitted")
    (mighty, *_) = ana.get("/keys").items
    refused = some.post(f"/keys/{mighty['id']}/replace", {})
    assert (refused.code, "everything" in refused.json["detail"]) == ("bad_scope", True)
    assert made(some, expires_at=until)["expires_at"] == made(some)["expires_at"]


def test_a_key_with_every_word_replaces_none_without_a_scope(served: Served) -> None:
    """Which may also do what later versions add."""
    ana = served.acting(served.admit("Ana"))
    every, mighty = made(ana, scope=" ".join(WORDS)), made(ana)
    answer = served.client(every["key"]).post(f"/keys/{mighty['id']}/replace", {})
    assert (answer.status, answer.code) == (422, "bad_scope")
    assert ana.post(f"/keys/{every['id']}/replace", {}).status == 201


def test_no_key_replaces_one_that_lives_longer_and_so_outlives_itself(served: Served) -> None:
    ana = served.acting(served.admit("Ana"))
    now = datetime.now(UTC)
    for_ever, later = made(ana), made(ana, expires_at=(now + timedelta(days=3)).isoformat())
    lost = made(ana, expires_at=(now + timedelta(days=2)).isoformat())
    using_lost = served.client(lost["key"])
    for key in (for_ever, later):
        answer = using_lost.post(f"/keys/{key['id']}/replace", {})
        assert (answer.status, answer.code) == (422, "bad_expiry")
        assert (key["expires_at"] is None) == ("never" in answer.json["detail"])
        assert served.client(key["key"]).get("/works").status == 200
    assert len(ana.get("/keys").items) == 4
    sooner = made(ana, expires_at=(now + timedelta(days=1)).isoformat())
    for key in (sooner, lost):
        answer = using_lost.post(f"/keys/{key['id']}/replace", {})
        assert answer.json["expires_at"] == key["expires_at"]


def test_an_expired_key_opens_nothing(served: Served) -> None:
    ana = served.admit("Ana")
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat(timespec="microseconds")
    token = served.service.keys.create(ana, expires_at=past)
    assert served.client(token).get("/works").status == 401
    assert reader(served).post("/sign-in", {"key": token}).status == 401


def test_the_last_use_of_a_key_is_seen_and_written_once_a_minute(served: Served) -> None:
    ana = served.acting(served.admit("Ana"))
    ana.get("/works")

    def used() -> str | None:
        (key,) = served.service.keys.list()
        return key.used_at

    first = soon(used)
    (shown,) = ana.get("/keys").items
    assert [shown["made_at"][-1], shown["used_at"][-1]] == ["Z", "Z"]
    assert datetime.now(UTC) - datetime.fromisoformat(first) < timedelta(seconds=10)
    for _ in range(20):
        ana.get("/works")
    assert used() == first


def test_the_keys_of_merged_accounts_are_one_keyring(served: Served) -> None:
    ana, ana_old = served.admit("Ana"), served.admit("Ana93")
    as_old = served.acting(ana_old)
    served.operator.post(f"/contributors/{ana_old}/merge", into=ana)
    (key,) = as_old.get("/keys").items
    assert served.acting(ana).post(f"/keys/{key['id']}/end", {}).status == 200
    assert as_old.get("/works").status == 401


def test_a_key_of_an_earlier_version_opens_everything_for_ever(database: str) -> None:
    with open_service(database) as service:
        token = service.keys.create("operator")
        service.engine.execute("DELETE FROM api_key_terms")
        caller = service.keys.caller(token)
        assert caller is not None
        assert (caller.actor, caller.scope, caller.until) == ("operator", Scope(), None)


# -- the page, the terminal ----------------------------------------------------------------------


def test_a_person_makes_replaces_and_ends_keys_on_their_page(served: Served) -> None:
    ana = served.admit("Ana")
    someone = signed_in(served, ana)
    page = someone.get("/own-keys")
    assert "you are signed in with it" in page.text_seen
    said = {"form_token": page.token, "do": "make", "label": "phone", "scope": "read"}

    def token_after(answer: Page) -> str:
        """The new key on the page that a form leads to; loading that again makes no other."""
        (token,) = re.findall(r"stemma_[\w-]{43}", someone.get(answer.headers["Location"]).text)
        return str(token)

    token = token_after(someone.post("/own-keys", said))
    assert served.client(token).get("/works").status == 200
    assert token not in someone.get("/own-keys").text
    key = next(one for one in served.service.keys.list([ana]) if one.label == "phone")
    said = {"form_token": page.token, "do": "replace", "key": key.name, "grace_hours": "0"}
    second = token_after(someone.post("/own-keys", said))
    assert served.client(token).get("/works").status == 401
    name = next(one for one in served.service.keys.list([ana]) if one.is_valid and one.label).name
    someone.post("/own-keys", {"form_token": page.token, "do": "end", "key": name})
    assert served.client(second).get("/works").status == 401
    wrong = someone.post("/own-keys", {"form_token": page.token, "do": "make", "scope": "boss"})
    assert 'value="boss" aria-invalid="true"' in wrong.text, "what was typed is not lost"
    for name, typed in {
        "scope": "read boss",
        "expires_at": "2001-02-03",
        "label": "\u3164",
    }.items():
        said = {"form_token": page.token, "do": "make", name: typed}
        refused = someone.post("/own-keys", said)
        assert f'href="#{name}"' in refused.text, name
    assert "Name: it has no visible characters." in refused.text_seen
    told = served.acting(ana).post("/keys", label="\u3164").json
    assert told["errors"][0]["pointer"] == "#/label"
    assert (wrong.status, "bad_scope" in wrong.text) == (422, True)
    wrong = someone.post("/own-keys", {"form_token": page.token, "do": "end", "key": "0" * 12})
    assert (wrong.status, "unknown_key" in wrong.text) == (404, True)


def test_who_replaces_the_key_they_are_signed_in_with_stays_signed_in_with_the_new_one(
    served: Served,
) -> None:
    ana = served.admit("Ana")
    someone, elsewhere = signed_in(served, ana), reader(served)
    (key,) = served.service.keys.list([ana])
    page = someone.get("/own-keys")
    said = {"form_token": page.token, "do": "replace", "key": key.name, "grace_hours": "0"}
    shown = someone.get(someone.post("/own-keys", said).headers["Location"])
    (token,) = re.findall(r"stemma_[\w-]{43}", shown.text)
    assert "you are signed in with it" in shown.text_seen
    assert "you are signed in with it" in elsewhere.sign_in(token).get("/own-keys").text_seen
    said["key"] = digest_of(token)[:ID_LENGTH]
    someone.post("/own-keys", said)
    assert elsewhere.get("/own-keys").status == 303, "only the session that replaced it goes on"
    assert someone.get("/own-keys").status == 200


def test_nobody_sees_the_keys_of_others_on_the_page(served: Served) -> None:
    ana, ben = served.admit("Ana"), served.admit("Ben")
    served.service.keys.create(ana, label="the phone of Ana")
    assert "the phone of Ana" in signed_in(served, ana).get("/own-keys").text_seen
    assert "the phone of Ana" in reader(served).sign_in(OPERATOR_KEY).get("/own-keys").text_seen
    assert "the phone of Ana" not in signed_in(served, ben).get("/own-keys").text_seen


def test_the_page_says_to_the_minute_when_a_key_ends(served: Served) -> None:
    someone = signed_in(served, served.admit("Ana"))
    token = someone.get("/own-keys").token
    said = {"form_token": token, "do": "make", "label": "laptop", "expires_at": "2099-12-01"}
    someone.post("/own-keys", said)
    assert "ends 2099-12-01 00:00 UTC" in someone.get("/own-keys").text_seen


def test_keys_are_made_replaced_and_listed_in_the_terminal(database: str) -> None:
    def run(*words: str) -> str:
        result = Stemma(database).run("key", *words)
        assert result.exit_code == 0, result.output
        return result.stdout.strip()

    said = ("--label", "laptop", "--scope", "read", "--expires", "2099")
    token = run("create", "--for", "operator", *said)
    with open_service(database) as service:
        (key,) = service.keys.list()
        assert (key.label, key.scope, str(key.expires_at)[:4]) == ("laptop", "read", "2099")
    second = run("replace", key.name, "--grace-hours", "0")
    with open_service(database) as service:
        assert service.keys.caller(token) is None
        assert service.keys.caller(second) is not None
    assert "laptop" in run("list")
    result = CliRunner().invoke(
        main, ["--database", database, "key", "create", "--for", "operator", "--scope", "boss"]
    )
    assert (result.exit_code, "bad_scope" in result.output or "scope" in result.output) == (1, True)
