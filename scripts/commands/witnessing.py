"""Being a witness: of a log that is asked, or of logs that ask.

The one rule: a witness cosigns only what extends the tree that it cosigned before.
"""

from __future__ import annotations

from pathlib import Path

import click

from scripts.commands.proofs import believed, log_keys, max_age_option, tell_of

commands = click.Group()


@commands.command()
@click.argument("url")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@log_keys
@max_age_option
@click.option("--name", default="", help="The name of the witness, if its key must be made.")
def witness(url: str, folder: Path, keys: tuple[str, ...], name: str, max_age: int | None) -> None:
    """Cosign the checkpoint of the log at an address, if it extends the one cosigned before.

    The folder holds the key of the witness and the last checkpoint. Run it regularly, on a machine
    that is not the operator's; the operator lists the public key in STEMMA_WITNESSES.
    """
    from scripts import witness as witnessing
    from scripts.given import read_keys

    with believed():
        made = witnessing.key_of(folder, name)
        click.echo(f"witness     {made.verifier}")
        trusted = witnessing.witness(url.rstrip("/"), folder, read_keys(keys), made, max_age)
    tell_of(trusted)


@commands.command("serve-witness")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@log_keys
@click.option("--name", default="", help="The name of the witness, if its keys must be made.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to serve on.")
@click.option(
    "--port", default=8010, show_default=True, type=click.IntRange(1, 65535), help="The port."
)
def serve_witness(folder: Path, keys: tuple[str, ...], name: str, host: str, port: int) -> None:
    """Be a witness for the logs with these keys, which send their checkpoints (C2SP tlog-witness).

    It serves add-checkpoint, and the latest checkpoint of each log. The folder holds the keys of
    the witness, Ed25519 and, if the installed cryptography has it, ML-DSA-44, and the latest
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
