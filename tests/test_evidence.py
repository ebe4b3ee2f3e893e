"""A claim that needs a kind of evidence, by setting: refused by name, whichever way it is sent."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from click.testing import CliRunner
from serving import Answer, Served, serving

from domain.outside import outside_id
from scripts.stemma import main

NEEDED = "This claim needs evidence of one of these kinds: contract, invoice."


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("STEMMA_DATABASE", f"sqlite:///{tmp_path / 'stemma.db'}")
    monkeypatch.setenv("STEMMA_CLAIM_EVIDENCE", "contract invoice")
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with serving(database, claim_evidence=("contract", "invoice")) as served:
        yield served


def filled_in(served: Served, who: str, path: str, sent: dict[str, str]) -> Answer:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return served.acting(who).send("POST", path, urlencode(sent).encode(), headers)


def test_it_is_refused_by_name_by_every_way_and_accepted_with_evidence(
    served: Served, tmp_path: Path
) -> None:
    song, ben = served.post_piece("Song"), served.admit("Ben")
    cited = [{"uri": "https://example.org/old", "kind": "sample"}]
    served.operator.post("/contributions", title="Cut", medium="text", sources=cited)
    old = outside_id("https://example.org/old")
    claim = {"work": song, "contributor": ben, "role": "singer"}
    head = served.head

    def by_http(path: str, body: dict[str, Any]) -> str:
        answer = served.acting(ben).post(path, body)
        assert answer.status in (201, 422)
        return answer.text

    def by_terminal(*words: str) -> str:
        return str(CliRunner().invoke(main, [*words, "--by", ben]).output)

    def by_bundle(**more: str) -> str:
        path = tmp_path / "claims.jsonl"
        path.write_text(json.dumps({"type": "credit", "by": ben, **claim, **more}))
        return str(CliRunner().invoke(main, ["import", str(path), "--as-claims"]).output)

    def by_page(path: str, sent: dict[str, str]) -> str:
        return filled_in(served, ben, path, sent).text

    def all_ways(**proof: str) -> list[Callable[[], str]]:
        typed = [word for name, value in proof.items() for word in (f"--{name}", value)]
        typed = [word.replace("evidence_kind", "evidence-kind") for word in typed]
        opened = ["credit", "open", "--work", song, "--contributor", ben, "--role", "singer"]
        claimed = ["work", "claim", old, "--contributor", ben, "--role", "writer"]
        form = {"person": ben, "person_role": "singer", "person_kind": "direct", "do": "record"}
        return [
            lambda: by_http("/credits", claim | proof),
            lambda: by_http(f"/works/{old}/claim", claim_of(old) | proof),
            lambda: by_terminal(*opened, *typed),
            lambda: by_terminal(*claimed, *typed),
            lambda: by_bundle(**proof),
            lambda: by_page(f"/piece/{song}/credits", form | proof),
            lambda: by_page("/do/credit", claim | proof),
            lambda: by_page("/do/work.claim", {"id": old, **claim_of(old)} | proof),
        ]

    def claim_of(_: str) -> dict[str, str]:
        return {"contributor": ben, "role": "writer"}

    for kind in ({}, {"evidence_kind": "word"}):
        for number, way in enumerate(all_ways(**kind)):
            said = way()
            assert NEEDED in said, (number, said)
            if number < 5:
                assert "evidence_kind_needed" in said, (number, said)
        assert served.head == head
    for number, way in enumerate(all_ways(evidence="sheet", evidence_kind="invoice")):
        assert NEEDED not in way(), number
    assert served.head > head
