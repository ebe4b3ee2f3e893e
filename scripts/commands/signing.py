"""Signing: what a contributor says over HTTP or here, with a key of their own.

The one rule: the secret key is read from its file, signs, and goes nowhere.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TextIO

import click

from domain.note import SignerKey
from domain.signature import Signing, sign_command
from domain.tree import NotVerified
from scripts import bundle

commands = click.Group()


def signing_of(step: bundle.Step, file: Path) -> Signing:
    """A step, signed with the key in a file by whoever acts."""
    said = {name: value for name, value in step.arguments.items() if name != "actor"}
    signing = sign_command(secret_in(file), step.command.__name__, said)
    if signing.actor != step.arguments["actor"]:
        raise click.ClickException(f"the key is that of {signing.actor}; say so with --by")
    return signing


def secret_in(file: Path) -> SignerKey:
    """The secret key that a file holds."""
    try:
        return SignerKey.parse(file.read_text("utf-8").strip())
    except (NotVerified, ValueError) as problem:
        raise click.ClickException(f"{file}: {problem}") from problem


@commands.command()
@click.argument("command")
@click.argument("body", type=click.File("r", encoding="utf-8"), default="-")
@click.option(
    "--key",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The file of the secret key.",
)
@click.option("--id", "id_", metavar="ID", help="The id in the path of the request.")
def sign(command: str, body: TextIO, key: Path, id_: str | None) -> None:
    """Print the header that signs a request: sign open_credit credit.json --key ben.key.

    COMMAND is the operationId of the route in /openapi.json, BODY the file that is sent as it is.
    """
    text = body.read()
    try:
        said = json.loads(text) if text.strip() else {}
    except ValueError as problem:
        raise click.ClickException(f"the body is not JSON: {problem}") from problem
    ids = {"id": id_} if id_ else {}
    click.echo(f"Stemma-Signature: {sign_command(secret_in(key), command, {**ids, **said}).sent}")
