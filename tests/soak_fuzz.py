"""Fuzzing for as long as one likes: soak_fuzz.py [SECONDS [TARGET …]] [--atheris]

SECONDS (default: 10) are for each target; all are tried if none is named. With --atheris, which
takes one target, coverage guides the mutations: `pip install atheris` first. The status is 1 if
anything was found.
"""

import argparse
import logging
import sys
import time
from contextlib import suppress

from fuzzing import Target, fuzz, targets


def main() -> int:
    """Fuzz, and print a line for each target."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("seconds", nargs="?", type=float, default=10)
    words.add_argument("names", nargs="*", metavar="target")
    words.add_argument("--atheris", action="store_true")
    asked = words.parse_args()
    logging.disable(logging.CRITICAL)
    with targets() as known:
        if unknown := set(asked.names) - set(known):
            words.error(f"no target {min(unknown)}, only: {', '.join(known)}")
        if asked.atheris:
            (name,) = asked.names
            guided(known[name], asked.seconds)
        return survey({name: known[name] for name in asked.names or known}, asked.seconds)


def say(line: str) -> None:
    """One line of the report, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def survey(known: dict[str, Target], seconds: float) -> int:
    """Every target for so long; 1 if anything was found."""
    total, status = 0, 0
    for name, target in known.items():
        tried, found = fuzz(target, seconds, seed=time.time_ns())
        total += tried
        say(f"{name:20} {tried:9,} tried, {len(found)} found")
        for one in found:
            status = 1
            say(f"    {type(one.error).__name__}: {one.error!s:.200} on {one.data!r:.400}")
    say(f"{total:,} tried")
    return status


def guided(target: Target, seconds: float) -> None:
    """One target, with mutations that reach new code; it ends the process."""
    import atheris

    def once(data: bytes) -> None:
        with suppress(*target.refuses):
            target.parse(data)

    atheris.instrument_all()
    atheris.Setup([sys.argv[0], f"-max_total_time={seconds:.0f}", "-max_len=8192"], once)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
