"""Private: who may read money and the entries of the log, on every way out, on both engines."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from serving import OPERATOR_KEY, Served, serving

from scripts.mirror import Unreachable, mirror
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
            assert (hashes.status, hashes.headers["Cache-Control"]) == (200, "no-cache")
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
            assert (entries.status, entries.headers["Cache-Control"]) == (200, "no-cache")


def test_a_mirror_of_the_hashes_needs_no_key_and_notices_a_rewrite(
    database: str, tmp_path: Path
) -> None:
    with serving(database) as served:
        url, folder = logged(served), tmp_path / "mirror"
        keys = served.service.log.public_keys()
        with pytest.raises(Unreachable, match=r"401.*\n.*--hashes needs none"):
            mirror(url, folder, keys)
        assert mirror(url, folder, keys, only_hashes=True).checkpoint.size == 2
        assert not (folder / "tile" / "entries").exists()
        served.admit("Cal")
        served.service.log.catch_up()
        assert mirror(url, folder, keys, only_hashes=True).checkpoint.size == 3

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
            mirror(url, tmp_path / "a", keys, api_key=artist)
        assert mirror(url, tmp_path / "b", keys, api_key=OPERATOR_KEY).checkpoint.size == 3
        (tmp_path / "b" / "tile" / "entries" / "000.p" / "3").unlink()
        words = ["verify", "log", str(tmp_path / "b"), "--key", str(keys[0])]
        assert CliRunner().invoke(main, words).exit_code == 1
