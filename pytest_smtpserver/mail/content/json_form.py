"""A message in the types of JSON, for programs and for other languages."""

from __future__ import annotations

from typing import Any


def clean(value: Any) -> Any:
    """The value with ``?`` for each lone surrogate in its texts.

    Such a surrogate stands for an octet that is no text. RFC 8259 §8.2 calls it
    unpredictable what software does that reads one.
    """
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8") if value else ""
    if isinstance(value, list):
        return [clean(one) for one in value]
    if isinstance(value, dict):
        return {name: clean(one) for name, one in value.items()}
    return value
