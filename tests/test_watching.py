"""Witnesses that ask see what is not published yet, and killed servers leave nothing behind."""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path
from typing import Any

import pytest
from serving import serving
from test_witness import tell, url_of
from warm import PROCESSES

from domain.checkpoint import open_checkpoint
from domain.note import COSIGNATURE, SignerKey
from domain.refusal import NotInLog
from domain.trust import read_policy
from scripts import server
from scripts.remote import Remote
from scripts.safe_file import temporary_folder
from scripts.witness import witness

LOG = SignerKey.new("stemma.example/log")
ONE, TWO = (SignerKey.new(f"w{number}.example", COSIGNATURE) for number in (1, 2))


def test_with_a_quorum_witnesses_that_ask_see_what_they_are_to_cosign(
    database: str, tmp_path: Path
) -> None:
    text = f"witness a {ONE.verifier}\nwitness b {TWO.verifier}\ngroup g all a b\nquorum g\n"
    policy = read_policy(text.encode())
    given = {"signer": LOG, "witnesses": policy.witness_keys, "policy": policy}
    with serving(database, follow=False, **given) as served:
        with pytest.raises(NotInLog):
            tell(served, 3)  # which reads what is published
        anybody = served.client(None)
        for key in (ONE, TWO):
            assert anybody.get("/log/checkpoint").code == "not_in_log"
            witness(Remote(url_of(served), [LOG.verifier]), tmp_path / key.name, key)
        shown = anybody.get("/log/checkpoint").text.encode()
        keys = [ONE.verifier, TWO.verifier]
        assert len(open_checkpoint(shown, [LOG.verifier], witnesses=keys).cosignatures) == 2


def hold_a_folder(told: Any, place: str) -> None:
    tempfile.tempdir = place
    with temporary_folder(server.METRICS) as folder:
        told.put(str(folder))
        signal.pause()


def test_a_server_removes_the_metrics_of_those_that_were_killed_and_of_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = PROCESSES.Queue()
    place = str(tmp_path)
    servers = [PROCESSES.Process(target=hold_a_folder, args=(told, place)) for _ in range(2)]
    for one in servers:
        one.start()
    monkeypatch.setattr(tempfile, "tempdir", place)  # once there is a server of processes
    try:
        folders = {Path(told.get(timeout=120)) for _ in servers}
        assert all(folder.is_dir() for folder in folders)
        assert servers[0].pid
        os.kill(servers[0].pid, signal.SIGKILL)
        servers[0].join()
        with temporary_folder(server.METRICS) as own:
            left = set(tmp_path.glob(f"{server.METRICS}*")) - {own}
        assert len(left) == 1
        assert left < folders
        assert not own.exists()
    finally:
        for one in servers:
            one.kill()
            one.join()
