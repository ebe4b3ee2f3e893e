"""Signing: contributors' commands, over HTTP or here, with a key of their own.

The one rule: the secret key is read from its file, signs, and goes nowhere else.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit
from uuid import UUID

import click

from domain.note import SignerKey
from domain.registry import COMMANDS
from domain.signature import Signing, sign_command
from domain.tree import NotVerified
from domain.unambiguous import read_json
from domain.value import Ref, Value
from scripts import bundle

commands = click.Group()


def signing_of(step: bundle.ReadyLine, file: Path, log: str) -> Signing:
    """A step, signed by the person who acts, with the key in a file, for the log of a name."""
    said = step.command.plain()
    signing = sign_command(secret_in(file), step.command.OPERATION, said, log=log)
    if signing.actor != step.by:
        raise click.ClickException(f"The key belongs to {signing.actor}; give --by.")
    return signing


def secret_in(file: Path) -> SignerKey:
    """The secret key in a file."""
    try:
        return SignerKey.parse(file.read_text("utf-8").strip())
    except (NotVerified, ValueError) as problem:
        raise click.ClickException(f"{file}: {problem}") from problem


@commands.command()
@click.argument("method")
@click.argument("path")
@click.argument("body", type=click.File("r", encoding="utf-8"), default="-")
@click.option(
    "--key",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The file of the secret key.",
)
@click.option("--log", default="", help="The name of the log it is for, as in the log's key.")
def sign(method: str, path: str, body: TextIO, key: Path, log: str) -> None:
    """Print the header that signs a request: sign POST /credits credit.json --key ben.key.

    PATH is the path or the full address of the request; BODY the file that is sent unchanged.
    Without --log the signature has its first form, which any other Stemma service would
    accept as well.
    """
    text = body.read()
    try:
        said = read_json(text) if text.strip() else {}
    except ValueError as problem:
        raise click.ClickException(f"The body is not JSON: {problem}") from problem
    if not isinstance(said, dict):
        raise click.ClickException("The body is not a JSON object.")
    command, ids = _command_at(method.upper(), urlsplit(path).path)
    signing = sign_command(secret_in(key), command, {**ids, **said}, log=log)
    click.echo(f"Stemma-Signature: {signing.sent}")


def _command_at(method: str, path: str) -> tuple[str, dict[str, str]]:
    """The command of a request, and the ids in its path, as the service reads them."""
    for command in COMMANDS.values() if method == "POST" else ():
        pattern = re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", command.PATH)
        if found := re.fullmatch(pattern, path.rstrip("/")):
            nouns = {one.name: one.value for one in command.fields()}
            ids = found.groupdict().items()
            return command.OPERATION, {name: _id(nouns[name], id) for name, id in ids}
    raise click.ClickException(f"Nothing is signed at {method} {path}")


def _id(noun: Value, text: str) -> str:
    """The id in a path, in its normal form; anything but a UUID is unknown."""
    assert isinstance(noun, Ref)
    try:
        return str(UUID(text))
    except ValueError:
        raise noun.unknown(text) from None
