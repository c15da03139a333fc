"""Where the protocol's randomness comes from: it has none of its own."""

from __future__ import annotations

import secrets
import time


def nonce_and_salt() -> tuple[str, bytes]:
    """A fresh nonce and salt; the nonce in the form that RFC 2195 §2 gives it."""
    return f"{secrets.randbits(64)}.{int(time.time())}", secrets.token_bytes(16)
