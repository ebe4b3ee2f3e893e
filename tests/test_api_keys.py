"""Who may come in, and as whom: the key decides, never the body."""

from collections.abc import Iterator

import pytest
from serving import OPERATOR_KEY, Served, serving

from api.identity.keys import PREFIX, digest_of
from domain.refusal import BadId


@pytest.fixture
def served(database: str) -> Iterator[Served]:
    with serving(database) as running:
        yield running


def test_without_a_key_only_what_is_about_nobody_is_told(served: Served) -> None:
    nobody = served.client(None)
    for path in ("/", "/docs", "/openapi.json", "/health", "/ready", "/static/stemma.css"):
        assert nobody.get(path).status == 200, path
    for path in ("/works", "/contributors", "/roles", "/kinds", "/no/such/path"):
        answer = nobody.get(path)
        assert (answer.status, answer.code) == (401, "unauthenticated"), path
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert nobody.post("/contributors", name="Ana").status == 401
    assert served.head == 0


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer stemma_made-up",
        "Basic b3BlcmF0b3I6eA==",
        f"Basic {OPERATOR_KEY}",
        OPERATOR_KEY,
        f"Bearer {OPERATOR_KEY}x",
        f"Bearer {OPERATOR_KEY[:-1]}",
        "Bearer \u00e4",
    ],
)
def test_what_is_no_key_opens_nothing(served: Served, header: str) -> None:
    answer = served.client(None).get("/works", headers={"Authorization": header})
    assert (answer.status, answer.code) == (401, "unauthenticated")


def test_a_key_acts_for_its_holder(served: Served) -> None:
    ana = served.admit("Ana")
    poem = served.acting(ana).post("/contributions", title="A poem", medium="text").id
    assert served.operator.get(f"/works/{poem}").json["posted_by"] == ana
    by_operator = served.client(served.service.keys.create("operator"))
    tale = by_operator.post("/contributions", title="A tale", medium="text").id
    assert served.operator.get(f"/works/{tale}").json["posted_by"] == "operator"


def test_a_contributor_cannot_act_for_others(served: Served) -> None:
    ana, ben = served.admit("Ana"), served.admit("Ben")
    as_ben = served.acting(ben)
    poem = served.acting(ana).post("/contributions", title="A poem", medium="text").id
    song = as_ben.post("/contributions", title="A song", medium="audio").id
    beat = served.acting(ana).post("/contributions", title="A beat", medium="audio").id
    credit = served.operator.post("/credits", work=poem, contributor=ana, role="writer").id
    edge = served.operator.post("/remixes", child=song, parent=poem, kind="sample").id
    album = served.operator.post("/releases", title="A", components=[{"work": song}]).id
    head = served.head
    for path, body in (
        ("/contributors", {"name": "Cleo"}),
        (f"/contributors/{ana}/merge", {"into": ben}),
        (f"/contributions/{poem}/withdraw", {"reason": "mine"}),
        (f"/works/{poem}/redate", {"made_at": "1999", "reason": "mine"}),
        (f"/works/{poem}/claim", {"contributor": ana, "role": "writer", "evidence": "x"}),
        ("/remixes", {"child": beat, "parent": poem, "kind": "sample"}),
        (f"/remixes/{edge}/settle", {"outcome": "upheld", "reason": "mine"}),
        (f"/remixes/{edge}/strike", {"reason": "mine"}),
        ("/credits", {"work": poem, "contributor": ana, "role": "editor"}),
        (f"/credits/{credit}/accept", {}),
        (f"/credits/{credit}/decline", {}),
        (f"/credits/{credit}/answer", {"reason": "mine"}),
        (f"/credits/{credit}/settle", {"outcome": "upheld", "reason": "mine"}),
        (f"/credits/{credit}/revoke", {}),
        (f"/releases/{album}/publish", {}),
        (f"/releases/{album}/withdraw", {"reason": "mine"}),
    ):
        answer = as_ben.post(path, body)
        assert (answer.status, answer.code) == (403, "not_permitted"), path
    assert served.head == head


def test_the_body_cannot_say_who_acts(served: Served) -> None:
    answer = served.operator.post("/contributors", name="Ana", actor="somebody", by="somebody")
    assert (answer.status, answer.code) == (422, "unknown_field")


def test_a_revoked_key_is_refused_at_once(served: Served) -> None:
    keys, ana = served.service.keys, served.admit("Ana")
    token, other = keys.create(ana), keys.create(ana)
    assert served.client(token).get("/works").status == 200
    revoked = keys.revoke(token)
    assert revoked is not None
    assert served.client(token).get("/works").status == 401
    assert served.client(other).get("/works").status == 200
    assert keys.revoke(digest_of(other)[:12]) is not None
    assert served.client(other).get("/works").status == 401


def test_a_key_is_revoked_only_if_it_is_clear_which(served: Served) -> None:
    keys = served.service.keys
    token = keys.create("operator")
    for name in ("", digest_of(token)[:7], "0" * 12, PREFIX, f"{PREFIX}another"):
        assert keys.revoke(name) is None
    assert served.client(token).get("/works").status == 200


def test_a_key_is_kept_only_as_a_digest(served: Served) -> None:
    keys, ana = served.service.keys, served.admit("Ana")
    token = keys.create(ana)
    assert token.startswith(PREFIX)
    assert len(token) == len(PREFIX) + 43  # 256 bits in base64
    kept = served.service.engine.query("SELECT * FROM api_keys")
    assert len(kept) == 1  # the operator's key from outside is not among them
    assert token not in repr(kept)
    (listed,) = keys.list()
    assert (listed.holder, listed.revoked_at) == (ana, None)
    assert digest_of(token).startswith(listed.name)
    assert keys.create(ana) != token


def test_a_key_is_for_the_operator_or_a_contributors_id(served: Served) -> None:
    with pytest.raises(BadId):
        served.service.keys.create("somebody")


def test_what_was_answered_to_a_key_is_stored_by_nobody(served: Served) -> None:
    assert served.operator.get("/works").headers["Cache-Control"] == "no-store"
    assert served.client("wrong").get("/works").headers["Cache-Control"] == "no-cache"
    assert served.operator.get("/health").headers["Cache-Control"] == "no-cache"
