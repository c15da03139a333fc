"""Certificates and TLS contexts. The only file that knows trustme."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import ssl
import tempfile
import weakref
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trustme

from pytest_smtpserver.server.options.checks import CERTIFICATE_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_smtpserver.server.options.options import Options

_LOCAL_IDENTITIES = ("localhost", "127.0.0.1", "::1")
_WRONG_HOST = "wrong-host.invalid"
# Fixed years, since OpenSSL goes by the real date and the test may have frozen ours.
# trustme's certificates are valid from 2000 to 3000.
_LONG_AGO, _FAR_FUTURE = 2000, 3000
_YEARS = {"expired": (_LONG_AGO, 2001), "not_yet_valid": (2999, _FAR_FUTURE)}

_FROZEN = (
    "the first certificate of this run was made while the clock was frozen, "
    "and cryptography takes no other dates since then: request the fixture "
    "smtp_ca, or start a server with TLS, before the clock is frozen"
)


class Authority:
    """A CA, and what was made with it: certificates, contexts, its PEM file.

    Making a certificate and a context takes milliseconds, and most servers of a run ask
    for the same ones: each is made once.
    """

    def __init__(self, ca: trustme.CA) -> None:
        self.ca = ca
        self._contexts: dict[object, ssl.SSLContext] = {}
        self._file: str | None = None
        self._remove: weakref.finalize[..., Authority] | None = None

    @property
    def file(self) -> str:
        """Path of a PEM file with the CA's certificate, kept until `close`."""
        if self._file is None:
            with _naming_the_folder():
                self._file = _write(self.ca.cert_pem.bytes())
            self._remove = weakref.finalize(self, _remove, self._file, os.getpid())
        return self._file

    def close(self) -> None:
        """Remove the file."""
        if self._remove is not None:
            self._remove()
        self._file = self._remove = None

    def client_context(self) -> ssl.SSLContext:
        """A context that trusts this CA and nothing else, verification on."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.ca.configure_trust(context)
        return context

    def server_context(self, options: Options) -> ssl.SSLContext:
        """The context of a server with these options.

        Raises:
            ValueError: a PEM file in the options is none that OpenSSL can read.
        """
        for name, certificate in options.sni_certificates.items():
            if _is_in_files(certificate):  # a mistake shows now, and not to a client
                self._context(options, certificate, name)
        return self._context(options, options.certificate, options.hostname)

    def sni_context(self, options: Options, server_name: str) -> ssl.SSLContext | None:
        """The context for a server name that has one of its own."""
        chosen = options.sni_certificates.get(server_name.lower())
        return None if chosen is None else self._context(options, chosen, server_name)

    def _context(
        self, options: Options, certificate: object, name: str
    ) -> ssl.SSLContext:
        if isinstance(certificate, ssl.SSLContext):
            return certificate
        # A file may have changed since; a certificate of the caller's may be gone.
        keep = isinstance(certificate, str) and certificate in CERTIFICATE_KINDS
        key = (
            certificate if keep else None,
            name,
            options.tls_versions,
            options.client_certificate,
            options.client_ca
            if isinstance(options.client_ca, str)
            else id(options.client_ca),
        )
        context = self._contexts.get(key) if keep else None
        if context is None:
            context = self._make(options, certificate, name)
            if keep:
                self._contexts[key] = context
        return context

    def _make(self, options: Options, certificate: object, name: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._load(context, certificate, name, options)
        if options.tls_versions is not None:
            context.minimum_version, context.maximum_version = options.tls_versions
        if options.client_certificate != "ignore":
            required = options.client_certificate == "required"
            context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
            if isinstance(options.client_ca, str):
                context.load_verify_locations(cafile=options.client_ca)
            else:
                (options.client_ca or self.ca).configure_trust(context)
        return context

    def _load(
        self, context: ssl.SSLContext, certificate: Any, name: str, options: Options
    ) -> None:
        if _is_in_files(certificate):
            files = certificate if isinstance(certificate, tuple) else (certificate,)
            try:
                context.load_cert_chain(*files)
            except (ssl.SSLError, OSError) as error:
                ours = certificate is options.certificate
                option = "certificate" if ours else f"sni_certificates[{name!r}]"
                raise ValueError(
                    f"option {option}: {files!r} cannot be used: {error}; a PEM file "
                    "has the certificate and the key, or there are two files"
                ) from error
            return
        with _first_dates(), _naming_the_folder():
            if isinstance(certificate, str):
                certificate = _leaf(self.ca, certificate, name)
            certificate.configure_cert(context)


def _is_in_files(certificate: object) -> bool:
    return isinstance(certificate, tuple | str) and certificate not in CERTIFICATE_KINDS


@contextmanager
def _naming_the_folder() -> Iterator[None]:
    """Say what to do where a certificate cannot be written: the disk is full, say.

    Raises:
        OSError: it cannot.
    """
    try:
        yield
    except OSError as error:
        if not isinstance(error, ssl.SSLError):
            error.add_note(
                "Certificates are written to the temporary folder of this process, "
                f"{tempfile.gettempdir()}, since OpenSSL reads them from files: make "
                "room there, or let TMPDIR name another folder."
            )
        raise


def _write(certificate: bytes) -> str:
    """A file with it, which other users may read too: it holds no secret."""
    handle, file = tempfile.mkstemp(prefix="smtp-ca-", suffix=".pem")
    try:
        with os.fdopen(handle, "wb") as writing:
            writing.write(certificate)
        Path(file).chmod(0o644)
    except BaseException:  # the disk is full, or Ctrl-C has come
        Path(file).unlink()
        raise
    return file


def _new_year(year: int) -> dt.datetime:
    return dt.datetime(year, 1, 1, tzinfo=dt.UTC)


@contextmanager
def _first_dates() -> Iterator[None]:
    """Explain what cryptography makes of a clock that was frozen when it was first used.

    It then holds on to the frozen `datetime` and takes no other for the whole run.

    Raises:
        RuntimeError: that is what has happened.
    """
    try:
        yield
    except TypeError as error:
        if "datetime" not in str(error):
            raise
        raise RuntimeError(_FROZEN) from error


def _leaf(ca: trustme.CA, kind: str, name: str) -> trustme.LeafCert | _SelfSigned:
    names = list(dict.fromkeys((*_LOCAL_IDENTITIES, name)))
    if kind == "self_signed":
        return _SelfSigned(names)
    if kind == "wrong_host":
        names = [_WRONG_HOST]
    elif kind == "untrusted":
        ca = trustme.CA()
    if kind not in _YEARS:
        return ca.issue_cert(*names)
    start, end = map(_new_year, _YEARS[kind])
    return ca.issue_cert(*names, not_before=start, not_after=end)


class _SelfSigned:
    """A certificate that signed itself; trustme makes none with host names."""

    def __init__(self, names: list[str]) -> None:
        self._names = names

    def configure_cert(self, context: ssl.SSLContext) -> None:
        from cryptography import x509  # noqa: PLC0415 - rare, and slow to load
        from cryptography.hazmat.primitives import (  # noqa: PLC0415
            hashes,
            serialization,
        )
        from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [x509.NameAttribute(x509.NameOID.COMMON_NAME, self._names[-1])]
        )
        certificate = (
            x509.CertificateBuilder(subject, subject, key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(_new_year(_LONG_AGO))
            .not_valid_after(_new_year(_FAR_FUTURE))
            .add_extension(
                x509.SubjectAlternativeName(
                    [_general_name(x509, name) for name in self._names]
                ),
                critical=False,
            )
            .sign(key, hashes.SHA256())
        )
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        secret = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        with tempfile.TemporaryDirectory(prefix="smtp-cert-") as folder:
            file = Path(folder) / "self-signed.pem"
            file.write_bytes(secret + pem)
            context.load_cert_chain(file)


def _general_name(x509: Any, name: str) -> Any:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _remove(file: str, owner: int) -> None:
    """Remove a file, unless this is a child process of its owner."""
    if os.getpid() == owner:
        Path(file).unlink(missing_ok=True)


def first_ca() -> trustme.CA:
    """A CA, where there was none before.

    Raises:
        RuntimeError: the clock is frozen.
    """
    if dt.datetime.__module__ != "datetime":  # before cryptography has seen it
        raise RuntimeError(_FROZEN)
    return new_ca()


def new_ca() -> trustme.CA:
    """A CA whose certificates are valid whatever a test has done to the clock."""
    with _first_dates():
        return trustme.CA()
