"""Compiled: the modules in which recording spends its time, as machine code where a compiler is.

The source stays the only source. As with the checked .pyc files of PEP 552, a compiled module is
used only while its source has the hash that it was made from; a module changed since runs from its
source, as all do without a compiler. ``scripts/setup compiled`` makes them with Cython, which keeps
what Python means (annotations are not taken as types), and puts a copy of this file where Python
finds it when it starts. So nothing but the standard library is needed here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, ModuleSpec, PathFinder
from importlib.util import source_hash, spec_from_file_location
from pathlib import Path
from types import ModuleType

MODULES = (
    "domain.append",
    "domain.chain",
    "domain.command",
    "domain.commands.crediting",
    "domain.commands.submitting",
    "domain.compact",
    "domain.draft",
    "domain.fact",
    "domain.identity",
    "domain.past",
    "domain.receipt",
    "domain.seal",
    "domain.sheet",
    "domain.stored",
    "domain.text",
)
"""What is compiled: most of what recording one piece of many calls. More modules gain no more."""
FOLDER = Path(sys.prefix, "compiled")
"""Where compiled modules are, in the virtual environment."""
SUFFIX = EXTENSION_SUFFIXES[0]
CYTHONIZE = ("-m", "Cython.Build.Cythonize", "--inplace", "-3", "-X", "annotation_typing=False")


def file_name(module: str, source: Path) -> str:
    """The file of a module when compiled: another one for each source and version of Python."""
    return f"{module}-{source_hash(source.read_bytes()).hex()}{SUFFIX}"


class Compiled(MetaPathFinder):
    """Finds compiled modules in a folder, each only if it was made from its source as it is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = {one.name for one in folder.iterdir()} if folder.is_dir() else set()
        self.modules = {name.partition("-")[0] for name in self.files}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The compiled module; None if the source is to be used."""
        if fullname not in self.modules:
            return None
        found = PathFinder.find_spec(fullname, path, target)
        if found is None or found.origin is None:
            return None
        file = file_name(fullname, Path(found.origin))
        if file not in self.files:
            return None
        where = str(self.folder / file)
        return spec_from_file_location(fullname, where, loader=ExtensionFileLoader(fullname, where))


def use() -> None:
    """From now on import compiled modules."""
    sys.meta_path.insert(0, Compiled(FOLDER))


def in_use() -> tuple[int, int]:
    """How many of the modules that this process has imported are compiled, and how many are not."""
    files = [str(vars(sys.modules[one]).get("__file__")) for one in MODULES if one in sys.modules]
    compiled = sum(file.endswith(SUFFIX) for file in files)
    return compiled, len(files) - compiled


def build(root: Path, folder: Path, modules: Iterable[str] = MODULES) -> None:
    """Compile the modules of a checkout into a folder, which afterwards has nothing else in it."""
    import shutil
    import subprocess
    import tempfile

    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="stemma-compiled-") as name:
        copies = {one: _copied(root, one, Path(name)) for one in modules}
        made = {file_name(one, copy): copy for one, copy in copies.items()}
        missing = [copy for file, copy in made.items() if not (folder / file).exists()]
        if missing:
            jobs = str(os.cpu_count() or 1)
            files = [str(copy.relative_to(name)) for copy in missing]
            subprocess.run([sys.executable, *CYTHONIZE, "-j", jobs, *files], cwd=name, check=True)
        for file, copy in made.items():
            if copy in missing:
                shutil.move(copy.with_suffix(SUFFIX), folder / "new")
                (folder / "new").replace(folder / file)
    for one in folder.iterdir():
        if one.name not in made:
            one.unlink()


def _copied(root: Path, module: str, into: Path) -> Path:
    """A copy of a module's source, in packages of the same names, beside which Cython may write."""
    *packages, name = module.split(".")
    folder = into
    for package in packages:
        folder /= package
        folder.mkdir(exist_ok=True)
        folder.joinpath("__init__.py").touch()
    copy = folder / f"{name}.py"
    copy.write_bytes(root.joinpath(*packages, f"{name}.py").read_bytes())
    return copy


if __name__ == "__main__":
    build(Path(__file__).parents[1], Path(sys.argv[1]))
