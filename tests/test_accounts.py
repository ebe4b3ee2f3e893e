"""Money on the command line: laid out for reading, or exactly as the API answers it.

Rule: asked of the demonstration, in which everything happens.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from commanding import Stemma
from serving import OPERATOR_KEY

from api.application import create_app
from scripts import demonstration
from scripts.bundle import Ids
from scripts.service import Service, open_service
from scripts.settings import read_settings

IDS = Ids("bundle")
POOL, DEAL = IDS.named("pool", "lighthouse-money"), IDS.named("proposal", "lighthouse-shares")
RELEASE, LANTERNFISH = IDS.named("work", "the-lighthouse"), IDS.named("person", "lanternfish")
PRINTING, OYUKI = IDS.named("revenue", "third-printing"), IDS.named("person", "oyuki")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    settings = read_settings(
        {"STEMMA_DATA": str(tmp_path_factory.mktemp("money")), "STEMMA_OPERATOR_KEY": OPERATOR_KEY}
    )
    with open_service(settings.database, operator_key=OPERATOR_KEY) as service:
        demonstration.load(service, settings)
        yield service


def run(shown: Service, *words: str) -> Result:
    database = f"sqlite:///{shown.store.engine.path}"  # type: ignore[attr-defined]
    return Stemma(database).run(*words)


def printed(shown: Service, *words: str) -> str:
    ran = run(shown, *words)
    assert ran.exit_code == 0, ran.output
    return ran.stdout


def answer(shown: Service, path: str) -> str:
    return bytes_of(shown, path).decode()


def bytes_of(shown: Service, path: str) -> bytes:
    client = create_app(shown.journal, shown.store, shown.keys, shown.log).test_client()
    told = client.get(path, headers={"Authorization": f"Bearer {OPERATOR_KEY}"})
    assert told.status_code == 200, told.text
    return told.data


def division(shown: Service) -> str:
    found = re.search(r'"division":"([^"]+)"', answer(shown, f"/revenue/{PRINTING}"))
    assert found
    return found[1]


ASKED = {
    ("pools", "the-lighthouse"): f"/releases/{RELEASE}/pools",
    ("pool", "statement", "lighthouse-money"): f"/pools/{POOL}/statement",
    ("proposal", "show", "lighthouse-shares"): f"/proposals/{DEAL}",
    ("proposal", "diff", "lighthouse-shares"): f"/proposals/{DEAL}/diff",
    ("statement", "lanternfish"): f"/contributors/{LANTERNFISH}/statement",
    ("statement", "lanternfish", "--currency", "JPY"): (
        f"/contributors/{LANTERNFISH}/statement?currency=JPY"
    ),
    ("statement", "lanternfish", "--from", "2020", "--to", "2021"): (
        f"/contributors/{LANTERNFISH}/statement?from=2020&to=2021"
    ),
    ("ledger", "lighthouse-money"): f"/pools/{POOL}/ledger?limit=200",
}


@pytest.mark.parametrize("words", ASKED, ids=" ".join)
def test_as_json_it_is_what_the_api_answers(words: tuple[str, ...], shown: Service) -> None:
    assert json.loads(printed(shown, *words, "--json")) == json.loads(answer(shown, ASKED[words]))
    assert len(printed(shown, *words).splitlines()) > 1


def test_why_is_asked_of_a_revenue_or_its_division(shown: Service) -> None:
    id = division(shown)
    by_revenue = printed(shown, "why", "third-printing", "@oyuki")
    assert by_revenue == printed(shown, "why", id, OYUKI)
    assert "おゆき: 56.70 USD of 960.00 USD" in by_revenue
    assert "212611/1800000" in by_revenue
    assert "What If It Had Legs?" in by_revenue
    rounding = json.loads(printed(shown, "why", id, OYUKI, "--json"))["rounding"]
    assert (
        f"Left over after everybody got whole units: {abs(rounding['left_over'])}; the remainder of"
        f" this line ranked {rounding['rank']} of {rounding['payees']}\n"
    ) in by_revenue
    nobody = run(shown, "why", "third-printing", "nobody")
    assert (nobody.exit_code, "no_share" in nobody.stderr) == (1, True)


def test_why_of_a_revenue_that_waits_says_so(shown: Service) -> None:
    first = json.loads(printed(shown, "ledger", "lighthouse-money", "--json"))["items"][0]
    asked = ("why", first["noun"], "@oyuki")
    waiting = run(shown, *asked, "--as-of", str(first["position"]))
    assert waiting.exit_code == 1
    assert waiting.stderr.endswith("is waiting and has not been divided yet. (not_divided)\n")
    assert printed(shown, *asked)


def test_csv_is_printed_as_the_api_writes_it(shown: Service) -> None:
    assert printed(shown, "statement", "lanternfish", "--csv").replace("\r\n", "\n") == answer(
        shown, f"/contributors/{LANTERNFISH}/statement?format=csv"
    ).replace("\r\n", "\n")


def test_a_pdf_is_written_as_the_api_gives_it(shown: Service, tmp_path: Path) -> None:
    file, address = tmp_path / "statement.pdf", f"/contributors/{LANTERNFISH}/statement"
    words = ("statement", "lanternfish", "--from", "2020", "--pdf", str(file))
    assert printed(shown, *words, "--origin", "http://localhost/") == ""
    assert file.read_bytes() == bytes_of(shown, f"{address}?format=pdf&from=2020")
    assert printed(shown, *words) == ""
    assert b"/entry/" not in file.read_bytes()


def test_a_pdf_replaces_one_of_its_name_only_once_it_is_complete(
    shown: Service, tmp_path: Path
) -> None:
    """Whoever has the old one open still reads all of it."""
    file, opened = tmp_path / "statement.pdf", tmp_path / "opened"
    file.write_bytes(b"the old one")
    opened.hardlink_to(file)
    assert printed(shown, "statement", "lanternfish", "--pdf", str(file)) == ""
    assert opened.read_bytes() == b"the old one"
    assert file.read_bytes().startswith(b"%PDF")
    assert {*tmp_path.iterdir()} == {file, opened}


def test_the_ledger_of_all_pools_is_told_at_once(shown: Service) -> None:
    pools = ("lighthouse-money", "keepers-money")
    one, other = (printed(shown, "ledger", pool, "--beancount") for pool in pools)
    assert one == answer(shown, f"/pools/{POOL}/ledger?format=beancount")
    every = printed(shown, "ledger", "--all", "--beancount")
    entries = re.compile(r"^\d{4}-\d\d-\d\d \* .*(?:\n  .*)*", re.MULTILINE)
    told = {text: entries.findall(text) for text in (one, other, every)}
    assert sorted(told[every]) == sorted(told[one] + told[other])
    lines = printed(shown, "ledger", "--all").splitlines()
    assert {*printed(shown, "ledger", "lighthouse-money").splitlines()[2:]} <= {*lines}
    for wrong in (["ledger"], ["ledger", "lighthouse-money", "--all"]):
        assert run(shown, *wrong).exit_code == 2


def test_what_is_not_there_is_said_in_a_sentence(shown: Service) -> None:
    for words, code in (
        (("pools", "nothing"), "unknown_work"),
        (("pool", "statement", "nothing"), "unknown_pool"),
        (("proposal", "diff", "nothing"), "unknown_proposal"),
        (("statement", "nobody"), "unknown_contributor"),
        (("ledger", "nothing"), "unknown_pool"),
        (("why", "nothing", "@oyuki"), "unknown_entry"),
    ):
        ran = run(shown, *words)
        assert (ran.exit_code, ran.stderr.rstrip().endswith(f"({code})")) == (1, True), ran.stderr
