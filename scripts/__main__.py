"""The ``stemma`` program: while it is still loading, Ctrl-C ends it without a traceback."""

from __future__ import annotations

import os
import signal
import sys


def main() -> None:
    """Run the command line, which takes a moment to load and then handles Ctrl-C itself."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:  # it was closed
            setattr(sys, name, open(os.devnull, "r+"))  # noqa: PTH123, SIM115 - for good
    is_usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_usual:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from scripts.stemma import main as stemma

    if is_usual:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    stemma()


if __name__ == "__main__":
    main()
