"""A command that is a fork of a warm process is and does what a fresh one is and does."""

import os
import subprocess
import sys
from pathlib import Path

FRESH = Path(sys.executable).parent
SESSION = """
exec 2>&1
echo '{"type": "contributor", "id": "ana", "name": "Ana"}' | stemma import - >imported; echo $?
stemma --database sqlite:///$HOME/nowhere.db works; echo $?
"""


def environment(commands: Path, home: Path) -> dict[str, str]:
    path = f"{commands}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "HOME": str(home), "STEMMA_DATA": str(home)}


def told(commands: Path, home: Path, session: str) -> str:
    home.mkdir()
    words, here = ["/bin/sh", "-c", session], environment(commands, home)
    ran = subprocess.run(words, cwd=home, env=here, stdout=subprocess.PIPE, text=True, check=True)
    return ran.stdout.replace(str(home), "HOME")


def test_a_warm_command_does_what_a_fresh_one_does(commands: Path, tmp_path: Path) -> None:
    warmed = told(commands, tmp_path / "warm", SESSION)
    assert warmed == told(FRESH, tmp_path / "fresh", SESSION)
    assert warmed.splitlines()[0] == "0"
    assert warmed.splitlines()[-1] == "1"
    assert (tmp_path / "warm" / "stemma.db").exists()


def test_a_warm_command_ends_by_the_signal_it_is_sent(commands: Path, tmp_path: Path) -> None:
    # It waits for its input, and so is there when it is ended.
    session = "mkfifo in; stemma import - <in & exec 9>in; kill -TERM $!; wait $!; echo $?"
    assert told(commands, tmp_path / "home", session) == "143\n"
