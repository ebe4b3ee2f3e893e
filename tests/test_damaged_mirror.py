"""A mirror of which any file is missing, shortened, exchanged or changed is refused.

Only what says nothing of its tree does not matter: the lock, and partial tiles of earlier sizes.
"""

from __future__ import annotations

from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from shutil import copytree, rmtree
from threading import Thread
from typing import Any

import by_the_documents as outsider
import pytest
from click.testing import CliRunner
from serving import OPERATOR_KEY, serving
from test_log import mirrored, tell

from domain.note import SignerKey
from domain.tree import NotVerified
from domain.trust import Misused
from scripts.mirror import mirror
from scripts.remote import Remote
from scripts.stemma import main
from scripts.verify import main as verify

SIGNER = SignerKey.new("stemma.example/log")
KEY = str(SIGNER.verifier)
EARLIER, SIZE = 280, 300
OF_EARLIER_SIZES = {"tile/0/001.p/24", "tile/entries/001.p/24"}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Mirrors of one log: with its entries, as that was at an earlier size, and of its hashes."""
    folder = tmp_path_factory.mktemp("sound")
    with serving(f"sqlite:///{folder / 'stemma.db'}", signer=SIGNER, follow=False) as served:
        tell(served.service, EARLIER)
        mirrored(served, folder / "entries")
        copytree(folder / "entries", folder / "earlier")
        tell(served.service, SIZE - EARLIER)
        mirrored(served, folder / "entries")
        log = Remote(f"{served.origin}/log", [SIGNER.verifier])
        mirror(log, folder / "hashes", only_hashes=True)
    return folder


def files_of(folder: Path) -> list[str]:
    """All files of a mirror but its lock."""
    files = (str(one.relative_to(folder)) for one in folder.rglob("[!.]*") if one.is_file())
    return sorted({*files} - OF_EARLIER_SIZES)


def damages(folder: Path, path: str) -> Iterator[tuple[str, bytes | None]]:
    """What a file may hold afterwards, None if it is gone."""
    data = (folder / path).read_bytes()
    yield "deleted", None
    yield "emptied", b""
    yield "half", data[: len(data) // 2]
    yield "cut", data[:-1]
    yield "twice", data + data
    yield "longer", data + b"\0"
    for at in (0, len(data) - 1, *Random(path).sample(range(len(data)), 6)):
        yield f"bit of byte {at}", data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]
    for other in files_of(folder):
        if other != path and other.rpartition("/")[0][:6] == path.rpartition("/")[0][:6]:
            yield f"now {other}", (folder / other).read_bytes()
    for earlier in ("checkpoint", f"map/{EARLIER}"):
        if earlier[:3] == path[:3]:
            yield "an earlier one", (folder.parent / "earlier" / earlier).read_bytes()


def accepting(folder: Path, of: str) -> Iterator[str]:
    """The verifiers that accept a mirror."""
    if not verify(["log", str(folder), "--key", KEY, *(["--hashes"] if of == "hashes" else [])]):
        yield "verify"
    if of == "entries":
        try:
            outsider.mirror(folder, KEY)
            yield "by the documents"
        except (outsider.Invalid, ValueError, LookupError):
            pass


@pytest.mark.parametrize("of", ["entries", "hashes"])
def test_any_damage_to_a_mirror_is_found(sound: Path, tmp_path: Path, of: str) -> None:
    copytree(sound / of, folder := tmp_path / "mirror")
    believed = [*accepting(folder, of)]
    assert believed[0] == "verify"
    files = files_of(folder)
    assert {path.rstrip("0123456789") for path in files} >= {"checkpoint", "map/", "tile/1/000.p/"}
    undetected = []
    for path in files:
        for damage, data in damages(sound / of, path):
            (folder / path).unlink() if data is None else (folder / path).write_bytes(data)
            undetected += [(path, damage, by) for by in accepting(folder, of)]
        (folder / path).write_bytes((sound / of / path).read_bytes())
    assert undetected == []
    assert [*accepting(folder, of)] == believed


def test_what_is_left_of_earlier_sizes_does_not_matter(sound: Path, tmp_path: Path) -> None:
    copytree(sound / "entries", folder := tmp_path / "mirror")
    for path in OF_EARLIER_SIZES:
        (folder / path).write_bytes(b"")
    assert len([*accepting(folder, "entries")]) == 2


@pytest.mark.parametrize("of", ["entries", "hashes"])
def test_a_mirror_that_was_damaged_does_not_blame_the_log_and_can_be_repaired(
    tmp_path: Path, of: str
) -> None:
    """It is fetched again, and has to continue what was accepted before."""
    folder, only_hashes = tmp_path / "mirror", of == "hashes"
    with serving(f"sqlite:///{tmp_path / 'a.db'}", signer=SIGNER, follow=False) as served:
        tell(served.service, SIZE)
        served.service.log.catch_up()
        log = Remote(f"{served.origin}/log", [SIGNER.verifier], api_key=OPERATOR_KEY)
        mirror(log, folder, only_hashes=only_hashes)
        for path in ("tile/0/000", "tile/1/000.p/1", f"tile/{of if of == 'entries' else 0}/000"):
            sound = (folder / path).read_bytes()
            (folder / path).write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
            with pytest.raises(Misused, match=r"this mirror was damaged, .*: tile/\d/"):
                mirror(log, folder, only_hashes=only_hashes)
            assert not (folder / "checkpoint.refused").exists()
            rmtree(folder / "tile")
            mirror(log, folder, only_hashes=only_hashes)
            assert [*accepting(folder, of)]


def test_a_log_that_shows_no_map_is_mirrored_without_entries_and_only_if_it_never_had_one(
    sound: Path, tmp_path: Path
) -> None:
    """Logs of other software have none; one of Stemma that has none hides it."""
    copytree(sound / "hashes", had := tmp_path / "had")
    copytree(sound / "entries", site := tmp_path / "site")
    rmtree(site / "map")

    class Files(SimpleHTTPRequestHandler):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given, directory=str(site))

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        log = Remote(f"http://127.0.0.1:{server.server_port}", [SIGNER.verifier])
        mirror(log, tmp_path / "new", only_hashes=True)
        assert [*accepting(tmp_path / "new", "hashes")] == ["verify"]
        for folder, only_hashes in ((tmp_path / "whole", False), (had, True)):
            with pytest.raises(NotVerified, match=f"does not show the map of its {SIZE} facts"):
                mirror(log, folder, only_hashes=only_hashes)
        server.shutdown()


def test_a_missing_map_is_named_by_a_replay_as_well(sound: Path, tmp_path: Path) -> None:
    copytree(sound / "entries", folder := tmp_path / "mirror")
    (folder / "map" / str(SIZE)).unlink()
    done = CliRunner().invoke(main, ["replay", str(folder), "--key", KEY])
    assert (done.exit_code, f"map/{SIZE} is missing" in done.output) == (1, True)
