"""Of a log that has just grown witnesses know the beginning, and every command says how to ask."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from serving import Served, serving
from test_mirror import key_words, run, seen
from test_witness import WITNESSES, tell, url_of


@pytest.fixture
def served(database: str) -> Iterator[Served]:
    with serving(database, follow=False, witnesses=WITNESSES) as running:
        yield running


def test_what_witnesses_have_not_seen_yet_is_said_with_how_to_ask(
    served: Served, tmp_path: Path
) -> None:
    ana = served.admit("Ana")
    tell(served, 2)
    seen(served)
    piece = served.post_piece("newer", by=ana)
    tell(served, 1)
    served.service.follower.catch_up()
    words = key_words(served)

    def kept(name: str, path: str) -> Path:
        answer = served.operator.get(path)
        assert answer.status == 200, answer.text
        (tmp_path / name).write_bytes(answer.text.encode())
        return tmp_path / name

    newest, known = f"/contributors/{ana}/history.receipts", "verify"
    code, said = run(known, "history", kept("history", newest), *words)
    assert (code, "may not have seen the end of the log yet" in said) == (1, True), said
    assert "history.receipts?as_of=N" in said
    size = int(served.operator.get("/log/checkpoint/witnessed").text.split("\n")[1])
    code, said = run(known, "history", kept("history", f"{newest}?as_of={size}"), *words)
    assert code == 0, said
    complete = f"complete    up to position {size}; nothing is said of what was recorded after it"
    assert complete in said

    code, said = run(known, "receipt", kept("r", f"/facts/{served.head}/receipt"), *words)
    assert (code, "Fetch the receipt again" in said) == (1, True), said
    assert run(known, "receipt", kept("r", f"/facts/{size}/receipt"), *words)[0] == 0
    code, said = run(known, "checkpoint", kept("c", "/log/checkpoint"), *words)
    assert (code, "Fetch /log/checkpoint/witnessed" in said) == (1, True), said
    assert run(known, "checkpoint", kept("c", "/log/checkpoint/witnessed"), *words)[0] == 0
    assert run(known, "as-of", kept("a", f"/log/as-of/{size}"), *words)[0] == 0
    code, said = run(known, "as-of", kept("a", f"/log/as-of/{served.head}"), *words)
    assert (code, "Fetch it again" in said) == (1, True), said

    bare = ["mirror", url_of(served), tmp_path / "m", "--hashes"]
    assert run(*bare, *key_words(served, witnessed=False))[0] == 0
    code, said = run(known, "log", tmp_path / "m", "--hashes", *words)
    assert (code, "Mirror with --witness" in said) == (1, True), said
    # What is wrong otherwise is not put down to witnesses.
    (tmp_path / "c").write_bytes(b"nothing")
    assert "may not have seen" not in run(known, "checkpoint", tmp_path / "c", *words)[1]
    assert piece


def test_the_receipts_that_witnesses_have_seen_are_written_for_them(
    served: Served, tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert served.service.log.signer
    monkeypatch.setenv("STEMMA_DATA", str(tmp_path))
    (tmp_path / "log.key").write_text(served.service.log.signer.secret_text())
    ana = served.admit("Ana")
    tell(served, 1)
    seen(served)
    served.post_piece("newer", by=ana)
    tell(served, 1)
    words = ["--database", database, "receipts", ana, tmp_path / "h", "--of", "contributor"]
    assert run(*words)[0] == 0
    assert run("verify", "history", tmp_path / "h", *key_words(served))[0] == 1
    assert run(*words, "--witnessed")[0] == 0
    assert run("verify", "history", tmp_path / "h", *key_words(served))[0] == 0
