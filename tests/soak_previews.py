"""Search for the slowest preview of a split that is accepted: ``python tests/soak_previews.py 60``.

Rule: random cases of every family, and variations of the slowest so far, for so many seconds of
processor time; prints the slowest, its size and the size of its answer.
"""

import json
import random
import sys
import time
from typing import Any

from api.received import MAXIMUM_BODY_BYTES
from domain.money.policy.bounds import ASKED, bounded
from domain.money.split import preview
from domain.refusal import Refusal

Case = tuple[str, int, int, int, int]
"""A family and four sizes: how many, how many within, how many digits, how many numbers differ."""


def numbers(digits: int, different: int) -> list[str]:
    return [f"1/{10**digits - 1 - 2 * n}" for n in range(max(1, different))]


def chain(length: int, rate: str) -> dict[str, Any]:
    edges = [{"child": str(n), "parent": str(n + 1), "rate": rate} for n in range(length)]
    return {"root": "0", "edges": edges}


def star(length: int) -> dict[str, Any]:
    rate = f"1/{length + 1}"
    return {
        "root": "0",
        "edges": [{"child": "0", "parent": str(n + 1), "rate": rate} for n in range(length)],
        "people": {str(n + 1): [["ana", "1/2"], [f"p{n}", "1/2"]] for n in range(length)},
    }


def body(case: Case) -> dict[str, Any]:
    family, many, within, digits, different = case
    rates = numbers(digits, different)
    fixed = [[f"p{n}", rates[n % len(rates)]] for n in range(many)]
    policy: dict[str, Any] = {"type": "fixed", "shares": fixed}
    more: dict[str, Any] = {}
    match family:
        case "assets":
            assets = [
                {
                    "asset": f"a{n}",
                    "value": rates[n % len(rates)],
                    "shares": [[f"p{n * within + m}", "1"] for m in range(within)],
                }
                for n in range(many)
            ]
            policy = {"type": "assets", "assets": assets}
        case "adjusted":
            for level in range(min(within, 15)):
                policy = {"type": "adjusted", "of": policy, "set": [[f"e{level}", "1/99"]]}
        case "tracks":
            tracks = [[str(n), {"type": "relative_cascade"}] for n in range(within)]
            policy, more = (
                {"type": "bundle", "by": "track", "tracks": tracks},
                {"graph": chain(many, "1/2")},
            )
        case "chain" | "star":
            kind = random.choice(["relative_cascade", "absolute_per_path", "absolute_per_edge"])
            graph = chain(many * 4, random.choice(["0", "1"])) if family == "chain" else star(many)
            policy, more = {"type": kind}, {"graph": graph}
        case "decay":
            decay = {"pool": "1/3", "factor": "6/7", "depth": min(within, 64)}
            policy, more = {"type": "decay", **decay}, {"graph": star(many)}
        case "carry":
            pairs = range(0, many - 1, 2)
            more["carry"] = [
                [f"p{n + m}", "-" * m + rates[n % len(rates)]] for n in pairs for m in (0, 1)
            ]
    return {"amount_minor": 10**29, "currency": "USD", "policy": policy, **more}


FAMILIES = ("fixed", "assets", "adjusted", "tracks", "chain", "star", "decay", "carry")


def measured(case: Case) -> tuple[float, int, int, str]:
    raw = json.dumps(body(case))
    if len(raw) > MAXIMUM_BODY_BYTES:
        return 0.0, 0, 0, "too_large"
    read, answer, code = json.loads(raw), "", "ok"
    began = time.process_time()
    try:
        with bounded(ASKED):
            answer = json.dumps(preview(read))
    except Refusal as refusal:
        code = refusal.code
    return time.process_time() - began, len(raw), len(answer), code


def another(best: Case | None) -> Case:
    if best is None or random.random() < 0.5:
        family = random.choice(FAMILIES)
        sizes = (int(10 ** random.uniform(0, top)) for top in (4.1, 2.5, 1.6, 2.7))
        return family, *sizes  # type: ignore[return-value]
    family, *sizes = best
    changed = (max(1, int(size * random.uniform(0.7, 1.4))) for size in sizes)
    return family, *changed  # type: ignore[return-value]


def search(seconds: float) -> None:
    tried, best, slowest = 0, None, (0.0, 0, 0, "")
    while time.process_time() < seconds:
        case, tried = another(best), tried + 1
        if (found := measured(case)) > slowest:
            best, slowest = case, found
    spent, size, answer, code = slowest
    sys.stdout.write(
        f"{tried} cases; slowest {spent:.3f} s: {best}, {code}, {size} bytes, answer {answer}\n"
    )


if __name__ == "__main__":
    search(float(sys.argv[1]))
