"""DKIM signatures (RFC 6376, RFC 8463): keys for a test, and whether a signature holds.

Keys come from the test, never from DNS. dkimpy does the work, and is loaded by the first
message that is asked.
"""

from __future__ import annotations

import base64
import importlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Literal, TypeAlias

    #: TXT records by name, or a function that returns the one of a name, or None.
    Keys: TypeAlias = Mapping[str, str] | Callable[[str], str | None]

_HOW = "pip install 'pytest-smtpserver[dkim]'"
#: So many signatures are verified; each takes the time that the whole content needs.
_MOST = 20


class DKIMResult(NamedTuple):
    """The result of verifying one DKIM-Signature field.

    Attributes:
        domain: the one that has signed the message: the tag ``d=``.
        selector: tells which of its keys was used: the tag ``s=``.
        valid: the signature holds.
        reason: why it does not; ``""`` where it does.
    """

    domain: str
    selector: str
    valid: bool
    reason: str


@dataclass(frozen=True, slots=True, repr=False)
class DKIMKey:
    """A key pair for a test, and the TXT record that would publish it.

    Attributes:
        name: where the record would be: ``test._domainkey.example.org``.
        record: the TXT record: ``v=DKIM1; k=rsa; p=...``.
        private_key: in PEM (PKCS #8).
        seed: of an ed25519 key the 32 octets in base64, which dkimpy signs with; of an
            RSA key ``""``.
        domain: for the tag ``d=``.
        selector: for the tag ``s=``.
    """

    name: str
    record: str
    private_key: str
    seed: str
    domain: str
    selector: str

    @classmethod
    def make(
        cls,
        domain: str,
        selector: str = "test",
        *,
        algorithm: Literal["rsa", "ed25519"] = "rsa",
    ) -> DKIMKey:
        """Make a new key pair.

        Args:
            domain: the one that signs.
            selector: tells its keys apart.
            algorithm: ``"rsa"`` (2048 bits) or ``"ed25519"`` (RFC 8463).

        Raises:
            ValueError: there is no such algorithm.
        """
        if algorithm not in ("rsa", "ed25519"):
            raise ValueError(f"algorithm is 'rsa' or 'ed25519', not {algorithm!r}")
        pem, public, seed = _new_key(algorithm)
        return cls(
            f"{selector}._domainkey.{domain}",
            f"v=DKIM1; k={algorithm}; p={public}",
            pem,
            seed,
            domain,
            selector,
        )

    @property
    def keys(self) -> dict[str, str]:
        """The record by its name, as `ReceivedMessage.dkim` takes it."""
        return {self.name: self.record}

    def __repr__(self) -> str:
        return f"<DKIMKey {self.name} {self.record[:20]}...>"


def verify(content: bytes, fields: list[str], keys: Keys) -> list[DKIMResult]:
    """Verify each of the DKIM-Signature `fields`; see `ReceivedMessage.dkim`."""
    if isinstance(keys, str) or not (callable(keys) or hasattr(keys, "items")):
        raise TypeError(
            "dkim() takes a mapping of names such as 'test._domainkey.example.org' to "
            f"TXT records, or a function that does, not {keys!r}"
            f"{': write key.keys' if isinstance(keys, DKIMKey) else ''}"
        )
    try:
        module = importlib.import_module("dkim")
    except ImportError as error:
        raise ImportError(f"message.dkim() needs dkimpy: {_HOW}") from error
    results = []
    for index, field in enumerate(fields):
        tags = _tags(field)
        reason = f"only the first {_MOST} signatures are verified"
        if index < _MOST:
            reason = _problem(module, content, index, tags, keys)
        signer = tags.get("d", ""), tags.get("s", "")
        results.append(DKIMResult(*signer, not reason, reason))
    return results


def _problem(
    module: Any, content: bytes, index: int, tags: dict[str, str], keys: Keys
) -> str:
    """Why the signature does not hold; ``""`` where it does."""
    name = f"{tags.get('s', '')}._domainkey.{tags.get('d', '')}"
    record = _look_up(keys, name)
    if record is None:
        return f"there is no key: no record {name!r} (RFC 6376 §6.1.2)"
    if _tags(record).get("p") == "":
        return f"the key is revoked: p= is empty in {name!r} (RFC 6376 §3.6.1)"
    logger = _Complaints()
    try:
        verifier = module.DKIM(content, logger=logger)
        held = verifier.verify(index, dnsfunc=lambda *_, **__: record.encode())
    except module.NaClNotFoundError as error:
        raise ImportError(f"ed25519 needs PyNaCl: {_HOW}") from error
    except module.DKIMException as error:
        return _in_words(str(error), name)
    except Exception as error:  # noqa: BLE001 - what dkimpy does not foresee in a record
        return f"it cannot be verified ({type(error).__name__}: {error})"
    if held:
        return ""
    return _in_words("; ".join(logger.errors), name)


def _in_words(said: str, name: str) -> str:
    if "body hash mismatch" in said:
        return f"the body was altered: {said} (RFC 6376 §6.1.3)"
    return said or (
        "a signed header field was altered, or the signature was made with another key "
        f"than {name!r} has (RFC 6376 §6.1.3)"
    )


class _Complaints(logging.Logger):
    """Keeps the errors that dkimpy logs and does not raise."""

    def __init__(self) -> None:
        super().__init__("dkimpy", logging.ERROR)
        self.errors: list[str] = []

    def handle(self, record: logging.LogRecord) -> None:
        self.errors.append(record.getMessage())


def _look_up(keys: Keys, name: str) -> str | None:
    if callable(keys):
        return keys(name)
    records = {known.lower().rstrip("."): record for known, record in keys.items()}
    return records.get(name.lower().rstrip("."))


def _tags(value: str) -> dict[str, str]:
    """A tag list (RFC 6376 §3.2), white space taken out of its values."""
    tags = {}
    for tag in value.split(";"):
        name, equals, text = tag.partition("=")
        if equals:
            tags[name.strip()] = "".join(text.split())
    return tags


def _new_key(algorithm: str) -> tuple[str, str, str]:
    """A private key in PEM; the public key and the seed in base64, as DKIM has them."""
    from cryptography.hazmat.primitives import serialization as form  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa  # noqa: PLC0415

    raw, plain, seed = form.Encoding.Raw, form.NoEncryption(), b""
    key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
    if algorithm == "rsa":
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = key.public_key().public_bytes(
            form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo
        )
    else:
        key = ed25519.Ed25519PrivateKey.generate()
        public = key.public_key().public_bytes(raw, form.PublicFormat.Raw)
        seed = key.private_bytes(raw, form.PrivateFormat.Raw, plain)
    pem = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, plain)
    return (
        pem.decode("ascii"),
        base64.b64encode(public).decode("ascii"),
        base64.b64encode(seed).decode("ascii"),
    )
