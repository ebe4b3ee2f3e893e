"""A compiled module is used only while its source is what it was made from."""

import sys
from importlib.machinery import ExtensionFileLoader
from pathlib import Path

from scripts.compiled import FOLDER, MODULES, Compiled, file_name

ROOT = Path(__file__).parents[1]


def test_a_changed_module_runs_from_its_source(tmp_path: Path) -> None:
    source = tmp_path / "draft.py"
    source.write_text("A = 1\n")
    compiled = tmp_path / "compiled"
    compiled.mkdir()
    compiled.joinpath(file_name("package.draft", source)).touch()
    finder = Compiled(compiled)

    def found() -> bool:
        spec = finder.find_spec("package.draft", [str(tmp_path)])
        return spec is not None and isinstance(spec.loader, ExtensionFileLoader)

    assert found()
    source.write_text("A = 2\n")
    assert not found()
    source.write_text("A = 1\n")
    assert found()
    assert finder.find_spec("package.other", [str(tmp_path)]) is None


def test_without_a_compiler_every_module_is_found_where_it_is(tmp_path: Path) -> None:
    finder = Compiled(tmp_path / "none")
    assert not any(finder.find_spec(one, sys.path) for one in MODULES)


def test_what_is_compiled_exists_and_does_not_ask_where_it_is() -> None:
    """A compiled module is in the virtual environment, not beside the files of its package."""
    for one in MODULES:
        assert "__file__" not in ROOT.joinpath(*one.split(".")).with_suffix(".py").read_text(), one
    assert FOLDER.parent == Path(sys.prefix)
