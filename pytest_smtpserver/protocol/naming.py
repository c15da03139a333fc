"""Errors about names that there are not: they say what was probably meant.

Similar letters lead astray: ``use_starttls`` is not ``hide_starttls``. So a table of
the words of other libraries is asked before them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_smtpserver.later import Later

if TYPE_CHECKING:
    import difflib
    from collections.abc import Callable, Collection, Iterable, Mapping
    from typing import Any
else:
    difflib = Later("difflib")  # for mistakes

#: How similar a name has to be to be what was meant, from 0 to 1: among the few that a
#: list allows, and among all that an object or a server has.
_SIMILAR, VERY_SIMILAR = 0.6, 0.76
#: From how many names on a list of them has lines of its own; how many come first in
#: it, and how similar these have to be.
_MANY, _NEAREST, _ALIKE = 20, 5, 0.5


def _folded(name: str) -> str:
    """What is left of a name without its case and the marks between its words."""
    return name.replace("-", "").replace("_", "").replace(" ", "").lower()


def suggestion(
    name: str,
    words: Mapping[str, str],
    allowed: Iterable[str] = (),
    similar: float = _SIMILAR,
) -> str:
    """What was meant by a name that there is not, as ``"; did you mean …?"``.

    Args:
        name: the name.
        words: words of others, and ours for each; asked first, in any case.
        allowed: the names that there are; the most similar one is second best.
        similar: how similar it has to be, from 0 to 1.
    """
    folded = _folded(name)
    for word, ours in words.items():
        if _folded(word) == folded:
            return f"; here it is {ours}"
    forms = {_folded(one): one for one in allowed}
    near = [form for form in forms if sorted(form) == sorted(folded)]
    near += difflib.get_close_matches(folded, forms, 1, similar)
    return f"; did you mean {forms[near[0]]!r}?" if near else ""


def unknown_name(
    noun: str,
    name: str,
    allowed: Collection[str],
    words: Mapping[str, str] | None = None,
    similar: float = _SIMILAR,
) -> str:
    """A message for a name that there is not, with what was probably meant.

    Many names stand in lines that can be read: the nearest, then the alphabet. The
    arguments are those of `suggestion`.
    """
    hint = suggestion(name, words or {}, allowed, similar)
    said = f"there is no {noun} {name!r}{hint}{'' if hint.endswith('?') else '.'}"
    if len(allowed) < _MANY:
        return f"{said} There are: {', '.join(allowed)}"
    import textwrap  # noqa: PLC0415 - for mistakes

    known = "here it is" in hint
    near = [] if known else difflib.get_close_matches(name, allowed, _NEAREST, _ALIKE)
    others = sorted(one for one in allowed if one not in near)
    lines = textwrap.wrap(", ".join([*near, *others]), 78, break_on_hyphens=False)
    order = ", the nearest first" if near else ""
    return "\n  ".join([f"{said} There are{order}:", *lines])


def no_such_attribute(
    what: str,
    words: Mapping[str, str],
    elsewhere: Mapping[str, str] | None = None,
) -> Callable[[Any, str], object]:
    """A ``__getattr__`` that says what was probably meant.

    Args:
        what: has no such attribute, in words: ``"a rule"``.
        words: words of others, and ours for each.
        elsewhere: where to look for an attribute of that name, in words, and the class
            that has it there, as ``module:name``.
    """

    def __getattr__(self: Any, name: str) -> object:  # noqa: N807 - it becomes one
        __tracebackhide__ = True
        hint = "" if name.startswith("_") else _hint(type(self), name)
        raise AttributeError(f"{what} has no {name!r}{hint}", name=name, obj=self)

    def _hint(kind: type, name: str) -> str:
        from pkgutil import resolve_name  # noqa: PLC0415 - for mistakes

        if (hint := suggestion(name, words)) == "":
            for place, there in (elsewhere or {}).items():
                if hasattr(resolve_name(there), name):
                    return f"; here it is {place}.{name}"
            public = [one for one in dir(kind) if not one.startswith("_")]
            hint = suggestion(name, {}, public, VERY_SIMILAR)
        return hint

    return __getattr__
