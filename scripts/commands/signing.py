"""Signing: what a contributor says over HTTP or here, with a key of their own.

The one rule: the secret key is read from its file, signs, and goes nowhere.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TextIO
from urllib.parse import urlsplit

import click

from domain.money.treasury import Treasury
from domain.note import SignerKey
from domain.signature import Signing, sign_command
from domain.tree import NotVerified
from scripts import bundle
from scripts.service import open_service

if TYPE_CHECKING:
    from werkzeug.routing import MapAdapter

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
@click.argument("method")
@click.argument("path")
@click.argument("body", type=click.File("r", encoding="utf-8"), default="-")
@click.option(
    "--key",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The file of the secret key.",
)
def sign(method: str, path: str, body: TextIO, key: Path) -> None:
    """Print the header that signs a request: sign POST /credits credit.json --key ben.key.

    PATH is where the request goes, or its whole address; BODY the file that is sent as it is.
    """
    text = body.read()
    try:
        said = json.loads(text) if text.strip() else {}
    except ValueError as problem:
        raise click.ClickException(f"the body is not JSON: {problem}") from problem
    if not isinstance(said, dict):
        raise click.ClickException("the body is not a JSON object")
    command, ids = _command_at(method.upper(), urlsplit(path).path)
    click.echo(f"Stemma-Signature: {sign_command(secret_in(key), command, {**ids, **said}).sent}")


def _command_at(method: str, path: str) -> tuple[str, dict[str, str]]:
    """The command that a request is, and the ids in its path, as the service reads them."""
    from werkzeug.exceptions import HTTPException

    from api.problems import Problem
    from api.web import is_page

    try:
        endpoint, ids = _routes().match(path, method)
    except Problem as problem:
        raise click.ClickException(f"{problem.description} ({problem.problem})") from problem
    except HTTPException:
        endpoint, ids = "", {}
    command = endpoint.rpartition(".")[2]
    if is_page(endpoint) or not hasattr(Treasury, command):
        raise click.ClickException(f"nothing is signed at {method} {path}")
    return command, dict(ids)


@cache
def _routes() -> MapAdapter:
    """The routes of the API: those of an application on a database that is nowhere."""
    from api.application import create_app

    with open_service("sqlite:///:memory:") as nowhere:
        app = create_app(nowhere.journal, nowhere.store, nowhere.keys, nowhere.log)
    return app.url_map.bind("")
