"""Auditing dependencies: finds a source of advisories that answers, and judges pip-audit's result.

    audited.py source    prints the source that answers within seconds
    audited.py           reads the JSON of pip-audit from standard input

The status is 0 if no vulnerability is known, 1 if one is, and 2 if no source was able to
answer: then nothing was audited, which is not the same as nothing being wrong.
"""

from __future__ import annotations

import json
import sys
import urllib.request

NOTHING, SOMETHING, NO_ANSWER = 0, 1, 2
OSV, SECONDS = "https://api.osv.dev", 5


def judge(said: str) -> tuple[int, list[str]]:
    """The exit status for the output of pip-audit, and the lines to print."""
    try:
        listed = json.loads(said)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return NO_ANSWER, []
    audited = [one for one in listed if "vulns" in one] if isinstance(listed, list) else []
    if not audited:
        return NO_ANSWER, []
    lines = [
        f"{one['name']} {one['version']}: {vuln['id']}, mended in "
        f"{', '.join(vuln['fix_versions']) or 'no version yet'}"
        for one in audited
        for vuln in one["vulns"]
    ]
    lines.append(f"{len(audited)} of {len(listed)} dependencies were audited.")
    return SOMETHING if len(lines) > 1 else NOTHING, lines


def answering() -> str | None:
    """The first source that reports a version known to be vulnerable; None if none does."""
    query = json.dumps({"version": "0.12", "package": {"name": "flask", "ecosystem": "PyPI"}})
    asked = {
        "osv": urllib.request.Request(f"{OSV}/v1/query", query.encode()),
        "pypi": urllib.request.Request("https://pypi.org/pypi/flask/0.12/json"),
    }
    for name, request in asked.items():
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                if json.load(answer).get("vulns" if name == "osv" else "vulnerabilities"):
                    return name
        except (OSError, ValueError, AttributeError):
            continue
    return None


if __name__ == "__main__":
    if sys.argv[1:] == ["source"]:
        source = answering()
        print(source or "", end="")
        sys.exit(NOTHING if source else NO_ANSWER)
    status, lines = judge(sys.stdin.read())
    print(*lines, sep="\n", end="\n" if lines else "")
    sys.exit(status)
