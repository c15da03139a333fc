"""Live, thread-safe sequences of what was recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar, overload

from pytest_smtpserver.protocol.display import printable

T = TypeVar("T")


class Recorded(Sequence[T], Generic[T]):  # noqa: PLW1641 - it changes
    """A read-only sequence that grows while the server runs.

    Iterating goes over what is there when the iteration begins. It is equal to a list
    or another sequence with the same items.
    """

    __slots__ = ("_items", "_noun", "_on_clear")

    #: For the IndexError: what to do about an item that is not there yet.
    _way_out = ""

    def __init__(self, noun: str, on_clear: Callable[[], None] | None = None) -> None:
        self._items: list[T] = []
        self._noun = noun
        self._on_clear = on_clear

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        """Return the item, or a list for a slice."""
        try:
            return self._items[index]
        except IndexError:
            raise IndexError(
                f"no {self._noun} number {index}: there are {len(self._items)}"
                f"{self._way_out}"
            ) from None

    def __iter__(self) -> Iterator[T]:
        return iter(list(self._items))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, (Recorded, list, tuple)):
            return list(self) == list(other)
        return NotImplemented

    def __repr__(self) -> str:
        return printable(repr(list(self._items)))

    def clear(self) -> None:
        """Remove all items."""
        self._items.clear()
        if self._on_clear is not None:
            self._on_clear()

    def record(self, item: T) -> None:
        """Add an item. For the server."""
        self._items.append(item)
