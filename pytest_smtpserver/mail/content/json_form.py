"""A message in the types of JSON, for programs and for other languages."""

from __future__ import annotations

from typing import Any


def clean(value: Any) -> Any:
    """The same with text that every reader of JSON takes.

    A surrogate that stands alone stands for an octet that is no text. RFC 8259 §8.2
    calls the behaviour of software that meets one unpredictable.
    """
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8") if value else ""
    if isinstance(value, list):
        return [clean(one) for one in value]
    if isinstance(value, dict):
        return {name: clean(one) for name, one in value.items()}
    return value
