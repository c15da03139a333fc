"""The CAs of a process. The door to `certificates`, which loads cryptography: 40 ms."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import trustme

    from .certificates import Authority


class LaterCA:
    """A CA that is asked for when a certificate is needed, and not before."""

    def __init__(self, ask: Callable[[], trustme.CA]) -> None:
        self.ask = ask

    def issue_cert(self, *identities: str) -> trustme.LeafCert:
        """A certificate of the CA's, for these names."""
        return self.ask().issue_cert(*identities)


class Authorities:
    """The CAs of a process; for the one that nobody gave, one is made when needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._default: trustme.CA | None = None
        self._known: weakref.WeakKeyDictionary[trustme.CA, Authority] = (
            weakref.WeakKeyDictionary()
        )

    def authority(self, ca: trustme.CA | LaterCA | None) -> Authority:
        """The authority for this CA, or for the process's own."""
        from .certificates import Authority, first_ca, new_ca  # noqa: PLC0415 - for TLS alone

        if isinstance(ca, LaterCA):
            ca = ca.ask()
        with self._lock:
            if ca is None:
                if self._default is None:
                    self._default = new_ca() if self._known else first_ca()
                ca = self._default
            authority = self._known.get(ca)
            if authority is None:
                authority = self._known[ca] = Authority(ca)
            return authority

    def forget_lock(self) -> None:
        """Begin anew in a child process, where nobody would ever release it."""
        self._lock = threading.Lock()

    def close(self) -> None:
        """Remove the files of all of them."""
        with self._lock:
            for authority in list(self._known.values()):
                authority.close()


#: One for the process: a certificate authority is meant to be trusted by many tests.
AUTHORITIES = Authorities()
