"""Adding a command touches its fact and its record: every way in follows.

The recipe of CONTRIBUTING.md, carried out with a command that is taken away again.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import click
import pytest
from click.testing import CliRunner
from serving import serving
from stories import id_of, story

from domain.command import COMMANDS, Command, command
from domain.fact import FACTS, New, fact
from domain.past import Past
from domain.permission import ANYONE
from domain.registry import BY_OPERATION
from domain.remix import Remix
from domain.value import Example
from domain.values import Reason, RemixId
from scripts import bundle
from scripts.commands.frame import Chosen
from scripts.commands.recording import _recorder
from scripts.reference import bundle_lines

# -- what is written: a fact with its sentence, and a record ---------------------------------


@pytest.fixture(scope="module")
def praise() -> Iterator[type[Command]]:
    """Everything that adding a command takes; afterwards it is gone again."""

    @fact("remix.praised")
    class Praised(Remix.Event):
        """Somebody likes how it was made."""

        SAYS = "{actor} praised how {child} was made from {parent}"
        FROM = ("declared",)
        reason: str

        def apply(self, noun: Remix) -> None:
            """Nothing: praise changes no state."""

    @command("remix.praise", may=(ANYONE,))
    class PraiseRemix(Command):
        """Say that a remix was made well."""

        id: RemixId
        reason: Annotated[Reason, Example("What a bridge!")]

        def decide(self, past: Past) -> Iterator[New]:
            yield past.get(Remix, self.id).then(Praised, reason=self.reason)

    BY_OPERATION[PraiseRemix.OPERATION] = PraiseRemix
    yield PraiseRemix
    del COMMANDS["remix.praise"], BY_OPERATION["praise_remix"], FACTS["remix.praised"]


# -- what follows ----------------------------------------------------------------------------


def test_it_has_a_route_an_operation_and_a_form(praise: type[Command], tmp_path: Path) -> None:
    with serving(f"sqlite:///{tmp_path / 'stemma.db'}") as served:
        poem = served.post_piece("A poem")
        edge = served.operator.post(
            "/remixes", child=served.post_piece("A song"), parent=poem, kind="sample"
        ).id
        said = served.operator.document["paths"]["/remixes/{id}/praise"]["post"]
        assert said["operationId"] == praise.OPERATION == "praise_remix"
        assert said["summary"] == "Say that a remix was made well."
        assert said["requestBody"]["content"]["application/json"]["example"] == {
            "reason": "What a bridge!"
        }
        answer = served.operator.post(f"/remixes/{edge}/praise", reason="Lovely.")
        told = {name: value for name, value in answer.json.items() if name != "promise"}
        assert told == {"id": edge, "position": served.head, "warnings": []}
        assert served.operator.post(f"/remixes/{edge}/praise", reason="Lovely.").json == answer.json
        assert served.operator.post(f"/remixes/{edge}/praise").code == "missing_field"
        form = served.operator.get("/do/remix.praise").text
        assert "Say that a remix was made well" in form
        assert 'placeholder="What a bridge!"' in form
        history = served.operator.get(f"/remixes/{edge}/history").items
        assert history[-1]["topic"] == "remix.praised"


def test_it_is_a_line_of_a_bundle_and_a_command_of_the_terminal(
    praise: type[Command], tmp_path: Path
) -> None:
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with story(database) as told:
        poem = told.piece("poem")
        edge = told.edge(told.piece("song", poem), poem, id=id_of("edge"))
        line = {"type": "remix.praise", "id": edge, "reason": "Lovely."}
        report = bundle.import_lines(told.journal, [bundle.FoundLine("", line)])
        assert report.recorded == {"remix.praise": 1}
        assert told.topics()[-1] == "remix.praised"
    root = click.Group(commands=[_recorder(praise)])
    help = CliRunner().invoke(root, ["praise", "--help"]).output
    assert "Say that a remix was made well." in help
    said = CliRunner().invoke(
        root, ["praise", edge, "--reason", "Again."], obj=Chosen(database, None)
    )
    assert json.loads(said.output)["id"] == edge, said.output
    assert "`remix.praise`" in bundle_lines()
