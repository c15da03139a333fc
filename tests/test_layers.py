"""The rules of the house: rooms, ways of imports, sizes, and who changes whose state.

Imports for types count everywhere: a circle of names is a circle for the reader. Which
way imports go between rooms, and who may know anyio, trustme and pytest, stands in
pyproject.toml as contracts of import-linter.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter, defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pytest_smtpserver

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(pytest_smtpserver.__file__).parent
ROOT = Path(__file__).parent.parent
TREES = {
    file: ast.parse(file.read_text(encoding="utf-8"))
    for file in sorted(PACKAGE.rglob("*.py"))
}
#: A folder's face, which hands names on, is no module of its own.
MODULES = [file for file in TREES if file.name != "__init__.py"]
#: At most so many lines of modules; where code goes, the number goes down with it.
MOST_LINES = 27_151


def dotted(file: Path) -> str:
    """The name by which a file is imported."""
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


NAMES = {dotted(file): file for file in TREES}


def imported(file: Path) -> Iterator[tuple[str, str]]:
    """Module and name of every import in a file; "" for a module as a whole."""
    folder = dotted(file).split(".")
    if file.name != "__init__.py":
        folder.pop()
    for node in ast.walk(TREES[file]):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = folder[: len(folder) - node.level + 1] if node.level else []
            module = ".".join([*start, *filter(None, [node.module])])
            yield from ((module, alias.name) for alias in node.names)


def used_files(file: Path) -> set[Path]:
    """The modules of the package that a file imports."""
    found = {
        NAMES.get(f"{module}.{name}", NAMES.get(module))
        for module, name in imported(file)
    }
    return {one for one in found if one in MODULES and one != file} - {None}


def shown(file: Path) -> str:
    """A file as an offender is named."""
    return file.relative_to(PACKAGE).as_posix()


def classes() -> Iterator[tuple[Path, ast.ClassDef]]:
    """All classes of the package."""
    for file, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                yield file, node


def assigned(tree: ast.AST) -> Iterator[ast.Attribute]:
    """The attributes that are assigned to."""
    for node in ast.walk(tree):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, (ast.AnnAssign, ast.AugAssign)):
            targets = [node.target]
        for target in targets:
            parts = target.elts if isinstance(target, ast.Tuple) else [target]
            yield from (part for part in parts if isinstance(part, ast.Attribute))


def owner(attribute: ast.Attribute) -> str:
    """The name before the dot; "" where that is more than a name."""
    return attribute.value.id if isinstance(attribute.value, ast.Name) else ""


# Imports


def test_contracts_of_imports_are_kept() -> None:
    """Those of import-linter, in pyproject.toml; it names the import that breaks one."""
    lint = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", lint, "--no-cache", "--config", "pyproject.toml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_circles() -> None:
    """Where two modules need each other, they are one, or a third below both is missing."""
    graph = {file: used_files(file) for file in MODULES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        names = " -> ".join(shown(file) for file in circle.args[1])
        pytest.fail(f"a circle of imports: {names}")


def test_the_protocol_imports_the_standard_library_only() -> None:
    """Whatever drives it can be trusted to know nothing else."""
    allowed = sys.stdlib_module_names | {"pytest_smtpserver"}
    foreign = {
        f"{shown(file)} imports {module}"
        for file in MODULES
        if shown(file).startswith("protocol/")
        for module, _ in imported(file)
        if module.partition(".")[0] not in allowed
    }
    assert not foreign


def test_who_loads_trustme() -> None:
    """One file; the others name it for types alone."""
    loads = set()
    for file in MODULES:
        for node in ast.walk(TREES[file]):
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                for part in node.body:
                    part.skipped = True  # type: ignore[attr-defined]
        loads |= {
            shown(file)
            for node in ast.walk(TREES[file])
            if isinstance(node, ast.Import) and not hasattr(node, "skipped")
            for alias in node.names
            if alias.name.partition(".")[0] == "trustme"
        }
    assert loads == {"server/tls/certificates.py"}


# Rooms and files


def test_rooms_hold_nine_modules() -> None:
    """A room with more is two rooms."""
    rooms = defaultdict(list)
    for file in MODULES:
        rooms[file.parent].append(file.name)
    assert not {
        shown(room): len(names) for room, names in rooms.items() if len(names) > 9
    }


def test_each_room_says_what_it_is_for() -> None:
    """In the docstring of its `__init__`, which holds no code but names."""
    for file in TREES.keys() - set(MODULES):
        assert ast.get_docstring(TREES[file]), shown(file)
        functions = [
            node.name for node in TREES[file].body if isinstance(node, ast.ClassDef)
        ]
        assert not functions, shown(file)


def test_no_two_files_have_one_name() -> None:
    """Who looks for one finds one."""
    counted = Counter(file.name for file in MODULES)
    assert not [name for name, count in counted.items() if count > 1]


def test_files_and_functions_stay_small() -> None:
    """Past 450 lines, or 60 for a function, it is usually two things."""
    long = []
    for file, tree in TREES.items():
        lines = file.read_text(encoding="utf-8").count("\n")
        if lines > 450:
            long.append(f"{shown(file)}: {lines} lines")
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                assert node.end_lineno is not None
                length = node.end_lineno - node.lineno + 1
                if length > 60:
                    long.append(f"{shown(file)}:{node.lineno} {node.name}: {length}")
    assert not long


def test_the_package_stays_small() -> None:
    """What is new takes the place of something, or has earned its own."""
    lines = sum(file.read_text(encoding="utf-8").count("\n") for file in MODULES)
    assert lines <= MOST_LINES


# State


def test_no_class_is_crowded() -> None:
    """What has more than 14 attributes is several things."""
    crowded = {}
    for file, node in classes():
        own = {one.attr for one in assigned(node) if owner(one) == "self"}
        if len(own) > 14:
            crowded[f"{shown(file)} {node.name}"] = len(own)
    assert not crowded


def test_objects_change_their_own_state() -> None:
    """At most 50 assignments to another object, and three in a thousand lines."""
    writes = [
        f"{shown(file)}:{one.lineno} {ast.unparse(one)}"
        for file in MODULES
        for one in assigned(TREES[file])
        if owner(one) not in ("self", "cls")
    ]
    lines = sum(file.read_text(encoding="utf-8").count("\n") for file in MODULES)
    assert len(writes) <= min(50, lines * 3 / 1000), "\n".join(writes)


def test_no_class_is_spread_over_files() -> None:
    """A base class that one class of another file has, and nobody else names.

    Such a pair is one class in two places: each half works on the state of the other.
    """
    defined = {(dotted(file), node.name) for file, node in classes()}
    users = defaultdict(set)
    for file in TREES:
        for module, name in imported(file):
            if file.name != "__init__.py" and (module, name) in defined:
                users[module, name].add(file)
    spread = []
    for file, node in classes():
        from_elsewhere = {name: module for module, name in imported(file)}
        for base in node.bases:
            name = base.id if isinstance(base, ast.Name) else ""
            key = (from_elsewhere.get(name, ""), name)
            if key in defined and users[key] == {file} and not _used_at_home(*key):
                spread.append(
                    f"{shown(file)} {node.name} is the rest of {key[0]}.{name}"
                )
    assert not spread


def _used_at_home(module: str, name: str) -> bool:
    """The file that defines a class also does something with it."""
    return any(
        isinstance(node, ast.Name) and node.id == name
        for node in ast.walk(TREES[NAMES[module]])
    )
