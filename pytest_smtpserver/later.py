"""How the package is loaded: as it is, and no more of it than a run needs."""

from __future__ import annotations

import importlib
import sys
from contextlib import contextmanager
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

_PACKAGE = __name__.partition(".")[0]


class _Plain:
    """Finds the modules of this package as Python does.

    pytest's own finder rewrites the asserts of plugins. Ours have none that a test's
    author sees, and the first mail of a run costs a quarter less without that: pytest
    reads what it has rewritten octet by octet, and rewrites it anew in each run where
    Python may write no bytecode.
    """

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Where the module is; None for those of others."""
        if name.startswith(f"{_PACKAGE}."):
            return PathFinder.find_spec(name, path, target)
        return None


@contextmanager
def plain_modules() -> Iterator[None]:
    """Load the modules of this package as they are."""
    sys.meta_path.insert(0, _Plain)
    try:
        yield
    finally:
        sys.meta_path.remove(_Plain)


class Later:
    """A module that is loaded when something in it is first asked for.

    It stands at the top of a file, in place of an import; type checkers see the
    import::

        if TYPE_CHECKING:
            from pytest_smtpserver.mail.search import explain
        else:
            explain = Later("pytest_smtpserver.mail.search.explain")

    For modules that a server without rules, without TLS and without AUTH does not need,
    in a test that passes: they would make the first mail of a run late. What a running
    session may come to need is there before: a test may use up all descriptors.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._module: ModuleType | None = None

    def __getattr__(self, name: str) -> Any:
        if self._module is None:
            self._module = importlib.import_module(self._name)
        return getattr(self._module, name)


#: What needs an extra, or is a program of its own.
_ASIDE = ("__main__", "cli", "report")


def load_all() -> None:
    """Load every module of the package.

    A run of pytest inside of pytest, as the plugin pytester makes them, forgets the
    modules that it was the first to load. A second copy of a class is another class,
    and cryptography cannot be loaded twice.
    """
    import pkgutil  # noqa: PLC0415 - such runs are rare

    path = importlib.import_module(_PACKAGE).__path__
    for found in pkgutil.walk_packages(path, f"{_PACKAGE}."):
        if found.name.split(".")[1] not in _ASIDE:
            importlib.import_module(found.name)
