"""Watching logs: what is new in one about somebody, for a job that runs every few minutes.

And being a witness: of a log that is asked, or of logs that ask.

The one rule: a witness cosigns only what extends the tree that it cosigned before.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scripts.commands.frame import named, settings_of
from scripts.commands.proofs import asks_log, believed, log_keys, max_age_option, tell_of

if TYPE_CHECKING:
    from scripts.monitor import Watched
    from scripts.remote import Remote

commands = click.Group()

NOUNS = ("contributor", "work")
"""What a word that is no id may stand for."""
NOT_PROVEN = 3
"""The status if nothing was contradicted and nothing was shown either, as of verify."""


@commands.command()
@asks_log
@click.option(
    "--for",
    "watched",
    multiple=True,
    required=True,
    metavar="ID|KEY",
    help="A person, a work, or a public key that signs; may be repeated.",
)
@click.option(
    "--state",
    "state",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The file with the state of the last run; default: one below STEMMA_DATA.",
)
@click.option(
    "--only-about",
    is_flag=True,
    help="Only their own histories, by the signed map: no entries are read.",
)
@click.pass_context
def monitor(
    ctx: click.Context,
    log: Remote,
    watched: tuple[str, ...],
    state: Path | None,
    *,
    only_about: bool,
) -> None:
    """Print every new fact about a person or a work, or signed by a key, in the log at an address.

    One line of JSON for each fact since the last run; the first run prints all of them. Nothing is
    printed unless the log is shown to continue that of the last run, and no fact about those
    watched is missing in between. With --only-about, what those people record about others is not
    looked for; it then takes only a few requests, however large the log, and the key of anyone who
    may read these facts. Status 1: the log was rewritten, forked, rolled back or frozen, or a
    signature is invalid. Status 3: the log could not be reached, or an earlier run has not ended.
    """
    from scripts import monitor as monitoring
    from scripts.remote import Unreachable
    from scripts.safe_file import Occupied

    those = _watched(watched)._replace(only_about=only_about)
    if only_about and those.keys:
        raise click.UsageError("What a key signs is in no history: leave out --only-about.")
    path = state or _usual_state(ctx, log.url, those)
    is_first = not path.exists()
    try:
        with monitoring.monitored(log, path, those) as facts:
            for fact in facts:
                click.echo(json.dumps(fact))
    except (Unreachable, Occupied) as problem:
        click.echo(f"Error: {problem}", err=True)
        sys.exit(NOT_PROVEN)
    if is_first and not facts:
        click.echo(f"Nothing in the log yet is about {' or '.join(watched)}.", err=True)


def _watched(texts: Sequence[str]) -> Watched:
    """Ids as they are; any other word as the person and the work that a bundle calls so."""
    from scripts.given import read_keys
    from scripts.monitor import Watched

    of_keys = [text for text in texts if "+" in text or Path(text).is_file()]
    ids = (named(kind, text) for text in texts if text not in of_keys for kind in NOUNS)
    return Watched(frozenset(ids), tuple(dict.fromkeys(read_keys(of_keys))))


def _usual_state(ctx: click.Context, url: str, watched: Watched) -> Path:
    """The file below the data folder that is for this log and these alone."""
    of = sha256("\n".join((url, *watched.names)).encode()).hexdigest()[:16]
    return settings_of(ctx).data / "monitor" / f"{of}.json"


# -- being a witness ---------------------------------------------------------------------------


@commands.command()
@click.argument("url")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@log_keys
@max_age_option
@click.option("--name", default="", help="The name of the witness, if its key has to be created.")
def witness(url: str, folder: Path, keys: tuple[str, ...], name: str, max_age: int | None) -> None:
    """Cosign the checkpoint of the log at an address, if it extends the last one cosigned.

    The folder holds the witness's key and the last checkpoint. Run it regularly, on a machine
    that is not the operator's; the operator lists the public key in STEMMA_WITNESSES.
    """
    from scripts import witness as witnessing
    from scripts.given import read_keys
    from scripts.remote import Remote

    with believed():
        made = witnessing.key_of(folder, name)
        click.echo(f"witness     {made.verifier}")
        log = Remote(url.rstrip("/"), read_keys(keys), max_age=max_age)
        trusted = witnessing.witness(log, folder, made)
    tell_of(trusted)


@commands.command("serve-witness")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@log_keys
@click.option("--name", default="", help="The name of the witness, if its keys have to be created.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to serve on.")
@click.option(
    "--port", default=8010, show_default=True, type=click.IntRange(1, 65535), help="The port."
)
def serve_witness(folder: Path, keys: tuple[str, ...], name: str, host: str, port: int) -> None:
    """Run a witness for the logs with these keys, which send their checkpoints (C2SP tlog-witness).

    It serves add-checkpoint, and the latest checkpoint of each log. The folder holds the witness's
    keys, Ed25519 and, if the installed cryptography supports it, ML-DSA-44, and the latest
    checkpoints. Put TLS in front of it.
    """
    from domain import ml_dsa
    from domain.note import ML_DSA
    from scripts import witness as witnessing
    from scripts import witness_service as serving
    from scripts.given import read_keys

    with believed():
        signers = [witnessing.key_of(folder, name)]
        if ml_dsa.is_known():
            signers.append(
                witnessing.key_in(folder / "witness-ml-dsa.key", signers[0].name, ML_DSA)
            )
        for one in signers:
            click.echo(f"witness     {one.verifier}")
        serving.serve_witness(serving.Witness(folder, signers, read_keys(keys)), host, port)
