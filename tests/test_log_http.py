"""What the log says to caches, to programs that accept compressed answers, and to other sites."""

import gzip
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from serving import OPERATOR_KEY, Served, serving
from test_witness import log_keys, tell, url_of

from api.proofs import FOR_EVER
from domain.tree import entries_of
from scripts.mirror import mirror
from scripts.remote import LARGEST_ANSWER_BYTES, Remote, Unreachable, fetch

BUNDLE, PARTIAL = "/log/tile/entries/000", "/log/tile/entries/001.p/44"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    database = f"sqlite:///{tmp_path_factory.mktemp('log') / 'a.db'}"
    with serving(database, follow=False, publish_entries=True) as running:
        tell(running, 300)
        yield running


def test_what_never_changes_is_kept_for_long_and_a_checkpoint_is_not(served: Served) -> None:
    """tlog-tiles: tiles and bundles, full and partial, are immutable; the checkpoint is not."""
    asked = served.app.test_client().get
    for path in ("/log/tile/0/000", "/log/tile/0/001.p/44", "/log/tile/1/000.p/1", BUNDLE, PARTIAL):
        assert asked(path).headers["Cache-Control"] == FOR_EVER, path
    for path in ("/log/checkpoint", "/log/key", "/log/consistency?old=1&new=2"):
        assert asked(path).headers["Cache-Control"] == "no-cache", path
    assert asked("/log/tile/0/001").headers["Cache-Control"] == "no-cache"  # it will be there
    partial, full = asked("/log/tile/0/000.p/9").data, asked("/log/tile/0/000").data
    assert full.startswith(partial)


def test_who_exchanges_the_sizes_of_a_consistency_proof_is_told_so(served: Served) -> None:
    asked = served.client(None).get
    exchanged = asked("/log/consistency?old=5&new=3")
    assert (exchanged.status, exchanged.code) == (422, "out_of_range")
    assert exchanged.json["detail"] == "old: This is more than the later size, 3."
    assert asked("/log/consistency?old=3&new=301").code == "not_in_log"
    assert asked("/log/consistency?old=3&new=3").text == ""


def test_what_a_client_has_already_is_not_sent_again(served: Served) -> None:
    asked = served.app.test_client().get
    for path in ("/log/checkpoint", "/log/tile/0/000", BUNDLE):
        for accepted in ("identity", "gzip"):
            given = {"Accept-Encoding": accepted}
            first = asked(path, headers=given)
            again = asked(path, headers=given | {"If-None-Match": first.headers["ETag"]})
            assert (again.status_code, again.data) == (304, b"")
            assert again.headers["Cache-Control"] == first.headers["Cache-Control"]
            assert again.headers["Access-Control-Allow-Origin"] == "*"
            for unheard in ("If-None-Match", "If-Match"):  # nothing is changed here by its tag
                other = asked(path, headers=given | {unheard: '"another"'})
                assert (other.status_code, other.data) == (200, first.data)


def test_entries_are_compressed_for_those_who_accept_it(served: Served) -> None:
    asked = served.app.test_client().get
    for path in (BUNDLE, PARTIAL):
        plain = asked(path)
        assert "Content-Encoding" not in plain.headers
        for accepted, is_packed in {
            "gzip": True,
            "gzip, identity": True,
            "br, gzip;q=0.8, *;q=0.1": True,
            "*": True,
            "identity": False,
            "br": False,
            "gzip;q=0": False,
            "identity, gzip;q=0.5": False,
        }.items():
            answer = asked(path, headers={"Accept-Encoding": accepted})
            assert answer.headers["Vary"] == "Accept-Encoding", accepted
            assert answer.headers.get("Content-Encoding") == ("gzip" if is_packed else None)
            data = gzip.decompress(answer.data) if is_packed else answer.data
            assert data == plain.data, accepted
            assert (answer.headers["ETag"] == plain.headers["ETag"]) != is_packed
        assert len(asked(path, headers={"Accept-Encoding": "gzip"}).data) < len(plain.data) / 3
    hashes = asked("/log/tile/0/000", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in hashes.headers
    assert len(entries_of(asked(BUNDLE).data)) == 256


def test_a_mirror_takes_compressed_entries_and_not_too_much_of_them(
    served: Served, tmp_path: Path
) -> None:
    mirror(Remote(url_of(served), log_keys(served)), tmp_path)
    assert (tmp_path / "tile/entries/000").read_bytes() == fetch(served.origin + BUNDLE)

    class Packed(BaseHTTPRequestHandler):
        sent = b""

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Encoding", "gzip")  # with no negotiation, as a log may
            self.end_headers()
            self.wfile.write(self.sent)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Packed) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        Packed.sent = gzip.compress(b"entries")
        assert fetch(url) == b"entries"
        for sent in (gzip.compress(bytes(LARGEST_ANSWER_BYTES + 1)), b"not compressed"):
            Packed.sent = sent
            with pytest.raises(Unreachable):
                fetch(url)
        Packed.sent = gzip.compress(b"entries")[:-9]
        with pytest.raises(Unreachable):
            fetch(url)
        server.shutdown()


def test_pages_of_other_sites_may_read_the_log_and_nothing_else(served: Served) -> None:
    client = served.app.test_client()
    elsewhere = {"Origin": "https://elsewhere.example"}
    for path in ("/log/checkpoint", "/log/tile/0/000", BUNDLE, "/log/tile/0/999", "/log/nothing"):
        answer = client.get(path, headers=elsewhere)
        assert answer.headers["Access-Control-Allow-Origin"] == "*", path
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert "Access-Control-Allow-Credentials" not in answer.headers
    for path in ("/works", "/", "/facts/1/receipt", "/openapi.json", "/logs", "/log"):
        for method in (client.get, client.options):
            answer = method(path, headers=elsewhere | {"Access-Control-Request-Method": "GET"})
            assert "Access-Control-Allow-Origin" not in answer.headers, path
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_a_browser_may_ask_beforehand_without_a_key(tmp_path: Path) -> None:
    asking = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "GET"}
    asking |= {"Access-Control-Request-Headers": "authorization"}
    with serving(f"sqlite:///{tmp_path / 'a.db'}", follow=False) as running:
        tell(running, 2)
        client = running.app.test_client()
        path = "/log/tile/entries/000.p/2"
        asked = client.options(path, headers=asking)
        assert (asked.status_code, asked.data) == (204, b"")
        assert "Authorization" in asked.headers["Access-Control-Allow-Headers"]
        assert asked.headers["Access-Control-Allow-Origin"] == "*"
        refused = client.get(path)
        assert (refused.status_code, refused.headers["Access-Control-Allow-Origin"]) == (401, "*")
        key = {"Authorization": f"Bearer {OPERATOR_KEY}", "Accept-Encoding": "gzip"}
        answer = client.get(path, headers=key)
        assert answer.headers["Cache-Control"] == "no-store"
        assert len(entries_of(gzip.decompress(answer.data))) == 2
        assert client.options(path).status_code == 401  # no browser asks so
