"""A door to a room that most runs never enter."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType


class Later:
    """A module that is loaded when something in it is first asked for.

    It stands at the top of a file, in place of an import; type checkers see the import::

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
    modules that it was the first to load. A second copy of a class is another class, and
    cryptography cannot be loaded twice.
    """
    package = __name__.partition(".")[0]
    path = importlib.import_module(package).__path__
    for room in pkgutil.iter_modules(path):
        if room.name not in _ASIDE:
            name = f"{package}.{room.name}"
            module = importlib.import_module(name)
            for inner in pkgutil.walk_packages(
                getattr(module, "__path__", ()), f"{name}."
            ):
                importlib.import_module(inner.name)
