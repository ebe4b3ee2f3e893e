"""What was acknowledged on the command line is promised as over HTTP, and held against the log."""

import json
from pathlib import Path

import pytest
from commanding import Stemma


@pytest.fixture
def stemma(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stemma:
    monkeypatch.setenv("STEMMA_DATA", str(tmp_path))
    return Stemma(database)


def verified(stemma: Stemma, file: Path, *words: object) -> tuple[int, str]:
    key = file.parent / "log.vkey"
    ran = stemma.run("verify", "promise", str(file), "--key", str(key), *map(str, words))
    return ran.exit_code, ran.output


def test_what_a_command_or_an_import_recorded_is_promised_and_kept(
    stemma: Stemma, tmp_path: Path
) -> None:
    one, all = tmp_path / "one", tmp_path / "all"
    bundle = tmp_path / "bundle.jsonl"
    lines = [{"type": "contributor", "id": name, "name": name} for name in ("ben", "eva")]
    bundle.write_text("".join(json.dumps(line) + "\n" for line in lines))
    for words in (
        ("contributor", "add", "--name", "Ana", "--promise", str(one)),
        ("import", str(bundle), "--promises", str(all)),
    ):
        assert "The log has no key to promise with" in stemma.wrong(*words)
        assert not one.exists()
        assert not all.exists()
    (tmp_path / "log.vkey").write_text(stemma("key", "new", "example.org/log"))
    stemma("contributor", "add", "--name", "Ana", "--promise", str(one))
    stemma("import", str(bundle), "--promises", str(all))
    said = stemma("contributor", "add", "--name", "Dee", "--promise", "-")
    assert "stemma-promise@v1\nexample.org/log\n4\n" in said
    told = [json.loads(line) for line in all.read_text().splitlines()]
    assert [each["position"] for each in told] == [2, 3]

    (tmp_path / "deep").write_text('{"promise": ' + "[" * 100_000)
    assert "the answer holds no promise" in verified(stemma, tmp_path / "deep")[1]
    for position in (1, 2):
        stemma("receipt", str(position), str(tmp_path / f"{position}.receipt"))
    assert verified(stemma, one)[0] == 0
    code, said = verified(stemma, one, "--receipt", tmp_path / "1.receipt")
    assert (code, "kept        the log holds it" in said) == (0, True), said
    assert verified(stemma, one, "--receipt", tmp_path / "2.receipt")[0] == 3
    code, said = verified(stemma, all)
    assert (code, "promises    2" in said) == (0, True), said
    assert verified(stemma, all, "--receipt", tmp_path / "2.receipt")[0] == 3
