"""Private: who may read money and the entries of the log, on every way out, on both engines."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner
from clocks import TickingClock
from databases import Postgres
from serving import OPERATOR_KEY, Client, Served, serving
from test_pages import reader

from api.proofs import FOR_EVER
from domain.money.payout import Payout
from domain.readers import AGREEMENT, EVERYONE, MONEY, OWN_MONEY
from domain.readers import ALL_MONEY as ALL_WHO_KEEP_BOOKS
from scripts.mirror import mirror
from scripts.remote import Remote, Unreachable
from scripts.stemma import main

# -- the log -------------------------------------------------------------------------------------

BUNDLES = ("/log/tile/entries/000.p/2", "/log/entries/000.p/2")


def logged(served: Served) -> str:
    """Two facts in the log; its address."""
    served.admit("Ana")
    served.admit("Ben")
    served.service.log.catch_up()
    return f"{served.origin}/log"


def test_hashes_are_public_and_entries_are_not(database: str) -> None:
    with serving(database) as served:
        logged(served)
        nobody, artist = served.client(None), served.acting(served.admit("Cal"))
        for path in ("/log/checkpoint", "/log/tile/0/000.p/2", "/log/consistency?old=1&new=2"):
            hashes = nobody.get(path)
            kept = FOR_EVER if "tile" in path else "no-cache"
            assert (hashes.status, hashes.headers["Cache-Control"]) == (200, kept)
        for path in BUNDLES:
            assert nobody.get(path).code == "unauthenticated"
            assert artist.get(path).code == "not_permitted"
            entries = served.operator.get(path)
            assert (entries.status, entries.headers["Cache-Control"]) == (200, "no-store")
            assert "contributor.admitted" in entries.text


def test_a_setting_publishes_the_entries(database: str) -> None:
    with serving(database, publish_entries=True) as served:
        logged(served)
        for path in BUNDLES:
            entries = served.client(None).get(path)
            assert (entries.status, entries.headers["Cache-Control"]) == (200, FOR_EVER)


def test_a_mirror_of_the_hashes_needs_no_key_and_notices_a_rewrite(
    database: str, tmp_path: Path
) -> None:
    with serving(database) as served:
        url, folder = logged(served), tmp_path / "mirror"
        keys = served.service.log.public_keys()
        with pytest.raises(Unreachable, match=r"401.*\n.*--hashes needs none"):
            mirror(Remote(url, keys), folder)
        assert mirror(Remote(url, keys), folder, only_hashes=True).checkpoint.size == 2
        assert not (folder / "tile" / "entries").exists()
        served.admit("Cal")
        served.service.log.catch_up()
        assert mirror(Remote(url, keys), folder, only_hashes=True).checkpoint.size == 3

        words = ["verify", "log", str(folder), "--key", str(keys[0])]
        assert CliRunner().invoke(main, [*words, "--hashes"]).exit_code == 0
        assert CliRunner().invoke(main, words).exit_code == 1
        tile = folder / "tile" / "0" / "000.p" / "3"
        for at in range(0, 96, 7):
            data = tile.read_bytes()
            tile.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
            assert CliRunner().invoke(main, [*words, "--hashes"]).exit_code == 1
            tile.write_bytes(data)


def test_a_mirror_with_the_entries_needs_the_key_of_an_auditor(
    database: str, tmp_path: Path
) -> None:
    with serving(database) as served:
        url, keys = logged(served), served.service.log.public_keys()
        artist = served.service.keys.create(served.admit("Cal"))
        served.service.log.catch_up()
        with pytest.raises(Unreachable, match="403"):
            mirror(Remote(url, keys, api_key=artist), tmp_path / "a")
        assert mirror(Remote(url, keys, api_key=OPERATOR_KEY), tmp_path / "b").checkpoint.size == 3
        (tmp_path / "b" / "tile" / "entries" / "000.p" / "3").unlink()
        words = ["verify", "log", str(tmp_path / "b"), "--key", str(keys[0])]
        assert CliRunner().invoke(main, words).exit_code == 1


def test_a_credit_whose_person_is_to_be_asked_first_is_for_both_sides_until_they_agree(
    database: str,
) -> None:
    with serving(database) as served:
        ana, ben, sam = (served.admit(name) for name in ("Ana", "Ben", "Sam"))
        giver, person, other = map(served.acting, (ana, ben, sam))
        song = giver.post("/contributions", title="Song", medium="text").id
        person.post(f"/contributors/{ben}/ask-first")
        said = {"work": song, "contributor": ben, "role": "editor", "evidence": "the letters"}
        given = giver.post("/credits", said).json
        served.service.log.catch_up()
        at = f"/facts/{given['position']}"
        for state in ("waits", "accepted"):
            for client in (giver, person, served.operator, other):
                may = client is not other or state == "accepted"
                for path in (f"{at}/receipt", f"{at}/disclosures"):
                    assert client.get(path).status == (200 if may else 403), (state, path)
                assert ("the letters" in client.get("/facts/disclosures").text) == may
            person.post(f"/credits/{given['id']}/accept")


# -- money ---------------------------------------------------------------------------------------

SHARE = "271/919"
EARNED, SPENT, REVERSED = 91_827_300, 73_190, 46_021
HIDDEN_WORDS = (
    *("shop-secret", "note-secret", "document-secret", "expense-secret", "reason-secret"),
    *("SEPA-secret", "comment-secret", "revision-secret", "hold-secret", "pool-secret"),
)


class Purse:
    """A release with an agreement, revenue, an expense and a payout, and everyone who may ask."""

    def __init__(self, served: Served, clock: TickingClock, **terms: str) -> None:
        self.served, api = served, served.operator
        names = ("ana", "bo", "pat", "cleo", "prod", "acc", "aud", "eve", "mod")
        self.ids = {name: served.admit(name.title()) for name in names}
        ana, bo, cleo = (self.ids[name] for name in ("ana", "bo", "cleo"))
        self.song = served.post_piece("Song", by=ana)
        api.post("/credits", work=self.song, contributor=self.ids["pat"], role="editor")
        self.keys = {name: served.service.keys.create(id) for name, id in self.ids.items()}
        closing = self.client("cleo")
        self.release = closing.post("/releases", title="Album", components=[{"work": self.song}]).id
        closing.post(f"/releases/{self.release}/publish")
        self._grant("prod", "producer", work=self.release)
        for name, role in (("acc", "accountant"), ("aud", "auditor"), ("mod", "moderator")):
            self._grant(name, role)
        said = {"name": "pool-secret", "kind": "song", "currency": "USD", **terms}
        said["terms"] = {"type": "agreed"}
        self.pool = closing.post(f"/releases/{self.release}/pools", said).id
        self.credit = api.get(f"/works/{self.song}").json["credits"][0]["id"]
        self._agree(clock, ana, bo)
        self._earn(clock, cleo)
        self._earn_elsewhere(clock)

    def _earn_elsewhere(self, clock: TickingClock) -> None:
        """Eve posts, produces, shares, earns and spends, but nothing of the release."""
        api, own, eve = self.served.operator, self.client("eve"), self.ids["eve"]
        piece = self.served.post_piece("Other", by=eve)
        release = own.post("/releases", title="Other", components=[{"work": piece}]).id
        self._grant("eve", "producer", work=release)
        said = {"name": "other", "kind": "song", "currency": "USD", "terms": {"type": "agreed"}}
        pool = own.post(f"/releases/{release}/pools", said).id
        assets = [{"asset": piece, "value": "1", "shares": [[eve, "1"]]}]
        proposal = own.post(f"/pools/{pool}/proposals", assets=assets).id
        clock.wait(days=15)
        assert own.post(f"/proposals/{proposal}/finalise").status == 200
        came = {"effective_at": "2026-06", "amount_minor": 700}
        assert api.post(f"/pools/{pool}/revenue", {**came, "source": "shop"}).status == 201
        spent = {**came, "category": "studio", "payer": eve}
        assert api.post(f"/pools/{pool}/expenses", spent).status == 201
        self.served.service.log.catch_up()

    def _grant(self, name: str, role: str, **area: str) -> None:
        path = f"/contributors/{self.ids[name]}/grant-role"
        assert self.served.operator.post(path, role=role, **area).status == 200

    def _agree(self, clock: TickingClock, ana: str, bo: str) -> None:
        api = self.served.operator
        assets = [{"asset": self.song, "value": "1", "shares": [[ana, SHARE], [bo, "648/919"]]}]
        self.proposal = api.post(
            f"/pools/{self.pool}/proposals", assets=assets, note="revision-secret"
        ).id
        self.comment = (
            self.client("bo")
            .post(f"/proposals/{self.proposal}/comments", kind="other", text="comment-secret")
            .id
        )
        answer = {"comment": self.comment, "text": "reason-secret"}
        assert api.post(f"/proposals/{self.proposal}/answer", answer).status == 200
        clock.wait(days=15)
        assert api.post(f"/proposals/{self.proposal}/finalise").status == 200
        for name in ("ana", "bo"):
            self.client(name).post(f"/proposals/{self.proposal}/share/accept")

    def _earn(self, clock: TickingClock, cleo: str) -> None:
        api = self.served.operator
        common = {"effective_at": "2026-06", "note": "note-secret", "document": "document-secret"}
        spent = {**common, "amount_minor": SPENT, "category": "expense-secret", "payer": cleo}
        self.expense = api.post(f"/pools/{self.pool}/expenses", spent).id
        came = {**common, "amount_minor": EARNED, "source": "shop-secret"}
        self.revenue = api.post(f"/pools/{self.pool}/revenue", came).id
        self.division = api.get(f"/revenue/{self.revenue}").json["division"]
        back = {"amount_minor": REVERSED, "reason": "reason-secret"}
        assert api.post(f"/revenue/{self.revenue}/reverse", back).status == 200
        self.batch = api.post("/payout-batches", currency="USD").id
        paid = api.get("/payouts", batch=self.batch).items
        self.payout = next(one["id"] for one in paid if one["payee"]["id"] == self.ids["ana"])
        api.post(f"/payouts/{self.payout}/settle", reference="SEPA-secret")
        assert api.post(f"/credits/{self.credit}/hold", reason="hold-secret").status == 200
        self.served.service.log.catch_up()

    def client(self, name: str) -> Client:
        """Somebody with a key; nobody has none."""
        if name == "operator":
            return self.served.operator
        return self.served.client(self.keys.get(name))

    def routes(self) -> dict[str, list[str]]:
        """Every way to money, by who may take it."""
        pool, division, ana = self.pool, self.division, self.ids["ana"]
        return {
            "statement": [
                *(f"/pools/{pool}/statement", f"/pools/{pool}/split.svg"),
                f"/pools/{pool}/split.png",
            ],
            "money": [
                *(f"/pools/{pool}/ledger", f"/pools/{pool}/ledger?format=beancount"),
                *(f"/pools/{pool}/revenue", f"/pools/{pool}/expenses"),
                *(f"/revenue/{self.revenue}", f"/expenses/{self.expense}"),
                *(f"/entries/{division}", f"/entries/{division}/lines/{ana}/why"),
                *(f"/entry/{division}", f"/entry/{division}/why?payee={ana}"),
                f"/entries/{self.revenue}/lines/{ana}/why",
            ],
            "agreement": [
                *(f"/pools/{pool}", f"/pool/{pool}"),
                *(f"/proposals/{self.proposal}", f"/proposals/{self.proposal}/diff"),
                f"/proposal/{self.proposal}",
            ],
            "own": [
                *(f"/contributors/{ana}/statement", f"/contributors/{ana}/statement?format=csv"),
                *(f"/contributors/{ana}/statement?format=pdf", f"/statement/{ana}"),
                *(f"/statement/{ana}?format=csv", f"/statement/{ana}?format=pdf"),
                *(f"/payouts/{self.payout}", f"/payouts?payee={ana}"),
            ],
            "all": [f"/payout-batches/{self.batch}", "/payout-batches"],
            "entries": [f"/log/entries/000.p/{self.served.service.log.size()}"],
        }


ALL_MONEY = {"operator", "acc", "aud"}
MAY = {
    "statement": ALL_MONEY | {"ana", "bo", "cleo", "prod"},
    "money": ALL_MONEY | {"ana", "bo", "cleo", "prod"},
    "agreement": ALL_MONEY | {"ana", "bo", "cleo", "prod", "pat"},
    "own": ALL_MONEY | {"ana"},
    "all": ALL_MONEY,
    "entries": {"operator", "aud"},
}
PEOPLE = ("nobody", "eve", "mod", "pat", "ana", "bo", "cleo", "prod", "acc", "aud", "operator")


def refused_with(name: str) -> set[int]:
    """How somebody is refused; nobody known has to sign in first."""
    return {401, 303} if name == "nobody" else {403}


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def purse(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Purse]:
    """One story for all tests of an engine; those that change it come last."""
    clock = TickingClock()
    with ExitStack() as open_now:
        if request.param == "sqlite":
            database = f"sqlite:///{tmp_path_factory.mktemp('private') / 'stemma.db'}"
        else:
            server: Postgres = request.getfixturevalue("postgres_server")
            database = open_now.enter_context(server.database())
        served = open_now.enter_context(serving(database, public_pages=True, clock=clock))
        yield Purse(served, clock)


def test_every_way_to_money_is_open_to_those_it_concerns_and_closed_to_others(
    purse: Purse,
) -> None:
    for level, paths in purse.routes().items():
        for path in paths:
            for name in PEOPLE:
                answer = purse.client(name).get(path)
                if name in MAY[level]:
                    assert answer.status == 200, (path, name, answer.text[:300])
                    assert answer.headers["Cache-Control"] in ("no-store", "no-cache"), path
                else:
                    assert answer.status in refused_with(name), (
                        path,
                        name,
                    )
                    assert not any(word in answer.text for word in HIDDEN_WORDS)


def test_a_fact_about_money_its_receipt_and_its_texts_are_for_those_it_concerns(
    purse: Purse,
) -> None:
    readers = {
        AGREEMENT: MAY["agreement"],
        MONEY: MAY["money"],
        OWN_MONEY: MAY["own"],
        ALL_WHO_KEEP_BOOKS: MAY["all"],
    }
    found: dict[frozenset[str], int] = dict.fromkeys(readers, 0)
    bo = purse.ids["bo"]
    for placed in purse.served.service.journal.facts.at(sorted(one_of_each_topic(purse))):
        happened = placed.fact()
        if happened.READERS == EVERYONE:
            continue
        found[happened.READERS] += 1
        may = readers[happened.READERS]
        if isinstance(happened, Payout.Event) and happened.payee == bo:
            may = ALL_MONEY | {"bo"}
        if isinstance(happened, Payout.Event) and happened.payee == purse.ids["cleo"]:
            may = ALL_MONEY | {"cleo"}
        at = f"/facts/{placed.position}"
        for name in PEOPLE:
            client = purse.client(name)
            page = [f"/receipts/{placed.position}"] if name in ("nobody", "eve", "ana") else []
            for path in (f"{at}/receipt", f"{at}/disclosures", *page):
                status = client.get(path).status
                if name in may:
                    assert status == 200, (happened.TOPIC, path, name)
                else:
                    assert status in refused_with(name), (path, name)
    assert all(found.values()), found


def test_a_refusal_says_who_may_read_it(purse: Purse) -> None:
    refused = purse.client("eve").get(f"/pools/{purse.pool}/statement").json
    assert refused["code"] == "not_permitted"
    for who in ("agreed share", "accountant", "auditor", "producer", "assembled the release"):
        assert who in refused["detail"]
    own, every = f"/contributors/{purse.ids['ana']}/earnings", "/trial-balance"
    for path, is_own in ((own, True), (every, False)):
        refused = purse.client("eve").get(path).json
        assert "an accountant; an auditor." in refused["detail"]
        assert ("the person whose" in refused["detail"]) == is_own


def test_a_page_about_something_else_names_a_pool_only_to_those_who_may_read_it(
    purse: Purse,
) -> None:
    names = dict.fromkeys(("ana", "pat", "acc"), "pool-secret")
    for name in ("nobody", "eve", "mod", *names):
        browser = reader(purse.served)
        if name != "nobody":
            browser.sign_in(purse.keys[name])
        for page in ("piece", "credit", "contributor"):
            told = browser.get(f"/{page}/{purse.pool}")
            assert told.status == 404
            assert names.get(name, purse.pool) in told.text
            assert (name in names) == ("pool-secret" in told.text)


def test_a_history_shows_others_that_there_are_facts_but_not_what_they_say(purse: Purse) -> None:
    for noun, id in (("works", purse.release), ("contributors", purse.ids["ana"])):
        path = f"/{noun}/{id}/history?limit=200"
        whole = purse.client("aud").get(path).items
        for name in ("eve", "pat", "ana"):
            seen = purse.client(name).get(path)
            numbers = [one["number"] for one in seen.items]
            assert numbers == sorted(numbers)
            assert set(numbers) < {one["number"] for one in whole} or name == "ana"
            assert [one for one in whole if one["number"] in numbers] == seen.items
        hidden = purse.client("eve").get(path)
        assert not any(word in hidden.text for word in HIDDEN_WORDS)
        assert "amount_minor" not in hidden.text


def test_a_history_is_verified_with_a_gap_for_what_one_may_not_read(
    purse: Purse, tmp_path: Path
) -> None:
    """Only what the file says is withheld may be missing: who leaves out more is found out."""
    served, ana = purse.served, purse.ids["ana"]
    path = f"/contributors/{ana}/history.receipts"
    served.operator.post("/credits", work=purse.song, contributor=ana, role="drummer")
    served.service.log.catch_up()
    key, file = str(served.service.log.public_keys()[0]), tmp_path / "history"

    def verify(text: str) -> str:
        file.write_text(text)
        words = ["verify", "history", str(file), "--key", key, "--of", ana]
        return CliRunner().invoke(main, words).output

    whole, seen = purse.client("aud").get(path).text, purse.client("eve").get(path).text
    assert "none missing in between" in verify(whole)
    assert "amount_minor" not in seen
    line, rest = seen.split("\n", 1)
    hidden = line.removeprefix("withheld ").split(" ")
    assert len(hidden) > 3
    told = verify(seen)
    assert f"none missing but {len(hidden)} that were withheld: " in told
    numbers = [int(number) for number in re.findall(r"^fact (\d+)", told, re.MULTILINE)]
    assert sorted({*numbers, *map(int, hidden)}) == [*range(1, len(numbers) + len(hidden) + 1)]

    assert "is missing" in verify(rest)
    for left in (hidden[1:], hidden[:-1]):
        assert "is missing" in verify(f"withheld {' '.join(left)}\n{rest}")
    assert "is here, and said to be withheld" in verify("withheld 1\n" + whole)
    for wrong in ("withheld \n", "withheld 3 2\n", "withheld 0\n", "withheld x\n"):
        assert "NOT VERIFIED" in verify(wrong + rest)


def test_a_history_whose_last_facts_one_may_not_read_is_shown_to_end_with_them(
    purse: Purse, tmp_path: Path
) -> None:
    release, served = purse.release, purse.served
    served.service.log.catch_up()
    key, file, end = str(served.service.log.public_keys()[0]), tmp_path / "file", tmp_path / "end"
    eve = purse.client("eve")
    end.write_text(eve.get(f"/log/latest/{release}").text)
    line, rest = eve.get(f"/works/{release}/history.receipts").text.split("\n", 1)
    hidden = [*map(int, line.removeprefix("withheld ").split(" "))]

    def verify(numbers: list[int]) -> str:
        file.write_text(f"withheld {' '.join(map(str, numbers))}\n{rest}")
        words = ["verify", "history", str(file), "--key", key, "--of", release]
        return CliRunner().invoke(main, [*words, "--latest", str(end)]).output

    told = verify(hidden)
    assert max(map(int, re.findall(r"^fact (\d+)", told, re.MULTILINE))) < hidden[-1]
    assert f"facts       1 to {hidden[-1]}, none missing but {len(hidden)} that were" in told
    assert f"ends here   there is no fact {hidden[-1] + 1}" in told
    for others in (hidden[:-1], [*hidden, hidden[-1] + 1]):
        assert f"NOT VERIFIED: the history ends with fact {others[-1]} of" in verify(others)
    assert f"fact {hidden[-1]} of {release} is missing" in verify([*hidden[:-1], hidden[-1] + 1])


def test_only_terms_that_say_public_publish_a_statement(purse: Purse) -> None:
    said = {"name": "p", "kind": "song", "currency": "USD", "terms": {"type": "agreed"}}
    path = f"/releases/{purse.release}/pools"
    other = purse.served.operator.post(path, {**said, "statement": "everybody"})
    assert other.code == "unknown_kind"
    assert purse.client("cleo").get(path).items[0]["received_minor"] == EARNED - REVERSED
    assert purse.client("pat").get(path).items[0]["received_minor"] is None
    assert purse.client("pat").get(f"/pools/{purse.pool}").json["accounts"] is None
    assert purse.client("eve").get(path).items == []


# -- a scan ------------------------------------------------------------------------------------


def told_amounts() -> list[str]:
    """The amounts of the story as digits, with and without the point and groups."""
    amounts = (EARNED, SPENT, REVERSED, EARNED - REVERSED)
    return [
        text
        for amount in amounts
        for text in (str(amount), f"{amount / 100:.2f}", f"{amount / 100:,.2f}")
    ]


def one_of_each_topic(purse: Purse) -> list[int]:
    """The position of the first fact of each topic."""
    found: dict[str, int] = {}
    for placed in purse.served.service.journal.read():
        found.setdefault(placed.topic, placed.position)
    return list(found.values())


def ids_by_parameter(purse: Purse) -> dict[str, list[str]]:
    """Real ids for the parameters of every route, by the noun that its path begins with."""
    return {
        "works": [purse.song, purse.release],
        "contributions": [purse.song],
        "releases": [purse.release],
        "contributors": [purse.ids["ana"], purse.ids["cleo"]],
        "credits": [purse.credit],
        "pools": [purse.pool],
        "proposals": [purse.proposal],
        "revenue": [purse.revenue],
        "expenses": [purse.expense],
        "entries": [purse.division, purse.revenue],
        "payouts": [purse.payout],
        "payout-batches": [purse.batch],
        "facts": [str(position) for position in one_of_each_topic(purse)],
    }


def every_get(served: Served, ids: dict[str, list[str]], payee: str) -> Iterator[str]:
    """Every route of the API that is read, with real ids, in every form that it has."""
    for path, item in served.operator.document["paths"].items():
        if "get" not in item:
            continue
        first = path.split("/")[1]
        for id in ids.get(first, [""]):
            filled = path.replace("{payee}", payee).replace("{id}", id).replace("{position}", id)
            if "{" not in filled:
                yield filled
                forms = item["get"]["responses"].get("200", {}).get("content", ())
                for form in ("csv", "beancount") if len(forms) > 1 else ():
                    yield f"{filled}?format={form}"


def every_page(
    ids: dict[str, list[str]], read: Callable[[str], str], most: int = 60
) -> Iterator[tuple[str, str]]:
    """The pages that links lead to from the start, and the pages of what is known by its id."""
    pages = {"pool": "pools", "proposal": "proposals", "entry": "entries", "release": "releases"}
    pages |= {"piece": "contributions", "contributor": "contributors", "history": "works"}
    pages |= {"statement": "contributors", "credit": "credits"}
    ahead = ["/", *(f"/{page}/{id}" for page, noun in pages.items() for id in ids[noun])]
    ahead += [f"/pools/{id}/split.svg" for id in ids["pools"]]
    ahead += [f"/entry/{id}/why" for id in ids["entries"]]
    seen = set(ahead)
    while ahead:
        path = ahead.pop()
        text = read(path)
        yield path, text
        for link in re.findall(r'(?:href|src|data)="(/[^"#]*)', text):
            plain = link.replace("&amp;", "&")
            if plain not in seen and not plain.startswith(("/docs", "/static", "//")):
                seen.add(plain)
                if len(seen) < most:
                    ahead.append(plain)


def scanned(purse: Purse, client: Client) -> dict[str, str]:
    """Everything that somebody can reach, by its address."""

    def read(path: str) -> str:
        return client.get(path).text

    ids = ids_by_parameter(purse)
    paths = every_get(purse.served, ids, purse.ids["ana"])
    return {**{path: read(path) for path in paths}, **dict(every_page(ids, read))}


def test_no_page_route_or_file_shows_money_to_those_it_does_not_concern(purse: Purse) -> None:
    # Five digits are in an id or a hash by chance.
    amounts = "|".join(rf"(?<!\w){re.escape(one)}(?!\w)" for one in told_amounts())
    secrets = re.compile("|".join((*HIDDEN_WORDS, SHARE, amounts)))

    def must_be_clean(path: str, text: str) -> None:
        assert secrets.search(text) is None, (path, secrets.search(text))

    for name in ("nobody", "eve"):
        found = scanned(purse, purse.client(name))
        assert len(found) > 100
        for path, text in found.items():
            must_be_clean(path, text)
    # The scan finds them where they may be read.
    texts = scanned(purse, purse.client("ana")).values()
    for secret in ("shop-secret", "SEPA-secret", "comment-secret", str(EARNED), SHARE):
        assert any(secret in text for text in texts), secret


# -- what changes, last ----------------------------------------------------------------------------


def test_why_a_payout_came_back_is_told_in_the_ledger_only_to_its_payee(purse: Purse) -> None:
    returned = purse.served.operator.post(f"/payouts/{purse.payout}/return", reason="return-secret")
    assert returned.status == 200
    path = f"/pools/{purse.pool}/ledger?limit=200"
    seen = {name: purse.client(name).get(path).text for name in MAY["money"]}
    assert all("payout.returned" in text for text in seen.values())
    assert {name for name, text in seen.items() if "return-secret" in text} == MAY["own"]


def test_a_public_statement_is_read_by_everybody_and_nothing_else_of_its_pool(
    purse: Purse,
) -> None:
    api, eve, nobody = purse.served.operator, purse.client("eve"), purse.client("nobody")
    said = {"name": "seen", "kind": "song", "currency": "USD", "terms": {"type": "agreed"}}
    path = f"/releases/{purse.release}/pools"
    pool = api.post(path, {**said, "statement": "public"}).id
    came = {"source": "shop-secret", "effective_at": "2026", "amount_minor": 4242}
    revenue = api.post(f"/pools/{pool}/revenue", came).id
    for name in PEOPLE[1:]:
        assert purse.client(name).get(f"/pools/{pool}/statement").json["received_minor"] == 4242
    assert eve.get(f"/pools/{pool}").json["statement"] == "public"
    assert [one["id"] for one in eve.get(path).items] == [pool]
    assert "42.42 USD" in nobody.get(f"/pool/{pool}").text
    assert "42.42 USD" in nobody.get(f"/release/{purse.release}").text
    assert nobody.get(f"/pools/{pool}/split.svg").status == 404  # nothing is divided yet
    assert nobody.get(f"/pools/{pool}/statement").code == "unauthenticated"
    for closed in (f"/pools/{pool}/ledger", f"/pools/{pool}/revenue", f"/revenue/{revenue}"):
        assert eve.get(closed).status == 403, closed


def test_a_merged_account_reads_what_concerned_the_other(purse: Purse) -> None:
    again = purse.served.admit("Ana again")
    purse.served.operator.post(f"/contributors/{purse.ids['ana']}/merge", into=again)
    for path in (f"/pools/{purse.pool}/statement", f"/proposals/{purse.proposal}"):
        assert purse.served.acting(again).get(path).status == 200


def test_the_role_counts_while_it_lasts(purse: Purse) -> None:
    path = f"/pools/{purse.pool}/statement"
    purse.served.operator.post(f"/contributors/{purse.ids['acc']}/end-role", role="accountant")
    assert purse.client("acc").get(path).status == 403


def test_a_claim_on_anothers_piece_opens_nothing(purse: Purse) -> None:
    eve = purse.client("eve")
    eve.post("/credits", work=purse.song, contributor=purse.ids["eve"], role="singer")
    for path in (f"/pools/{purse.pool}", f"/proposals/{purse.proposal}"):
        assert eve.get(path).status == 403
