"""The software bill of materials: everything that the lock installs, as CycloneDX 1.6.

It follows from the lock alone, so the same lock gives the same bill: python -m scripts.sbom
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from scripts.doctor import LOCK

PINNED = re.compile(
    r"^(?P<name>[\w.-]+)==(?P<version>\S+)(?P<rest>.*(?:\n    --hash=sha256:\w+(?: \\)?)+)",
    re.MULTILINE,
)
SETUP = Path(__file__).parents[1] / "setup.cfg"


def bill_of(lock: str) -> Bom:
    """The bill of a lock."""
    told = ConfigParser()
    told.read(SETUP)
    project = told["metadata"]
    whole = Component(
        name=project["name"],
        version=project["version"],
        type=ComponentType.APPLICATION,
        licenses=[LicenseExpression(project["license"])],
        bom_ref="stemma",
    )
    parts = list(_components(lock))
    bom = Bom(components=parts, serial_number=uuid5(NAMESPACE_URL, lock))
    bom.metadata.component = whole
    bom.metadata.timestamp = None  # type: ignore[assignment]  # else it would differ each time
    bom.register_dependency(whole, parts)
    return bom


def _components(lock: str) -> Iterator[Component]:
    for found in PINNED.finditer(lock):
        name, version = found["name"], found["version"]
        purl = PackageURL("pypi", None, name, version)
        yield Component(
            name=name,
            version=version,
            purl=purl,
            bom_ref=str(purl),
            hashes=[
                HashType(alg=HashAlgorithm.SHA_256, content=digest)
                for digest in re.findall(r"sha256:(\w+)", found["rest"])
            ],
        )


def main() -> None:
    """Print it."""
    sys.stdout.write(JsonV1Dot6(bill_of(LOCK.read_text())).output_as_string(indent=2) + "\n")


if __name__ == "__main__":
    main()
