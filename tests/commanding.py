"""The command line on one database, in the test's own process."""

import json
from typing import Any

from click.testing import CliRunner, Result

from scripts.stemma import main


class Stemma:
    """The command line on one database."""

    def __init__(self, database: str) -> None:
        self.database = database

    def run(self, *words: str, input: str | bytes | None = None) -> Result:
        return CliRunner().invoke(main, ["--database", self.database, *words], input=input)

    def __call__(self, *words: str, input: str | bytes | None = None) -> str:
        ran = self.run(*words, input=input)
        assert ran.exit_code == 0, ran.output
        return ran.stdout

    def json(self, *words: str) -> Any:
        return json.loads(self(*words))

    def record(self, *words: str) -> str:
        """Record something; the id it got."""
        return str(json.loads(self(*words))["id"])

    def wrong(self, *words: str, input: str | None = None, status: int = 1) -> str:
        """What is said of something that cannot be done: one sentence, and never a traceback."""
        ran = self.run(*words, input=input)
        assert ran.exit_code == status, ran.output
        assert isinstance(ran.exception, SystemExit)
        assert ran.stderr.startswith("Error: ") or status == 2
        return ran.stderr.removeprefix("Error: ").rstrip("\n")
