"""Certificates as no authority would make them, and contexts."""

from __future__ import annotations

import datetime as dt
import ssl
import warnings

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def server_context() -> ssl.SSLContext:
    """A new context of a server, with a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("mail.example.org").configure_cert(context)
    return context


def odd_certificate(
    ca: trustme.CA, common_name: str, alternatives: bytes = b""
) -> bytes:
    """A certificate of the CA's and its key, in PEM.

    Args:
        ca: signs it.
        common_name: of its subject; it is not checked.
        alternatives: the octets of subjectAltName (RFC 5280 §4.2.1.6), as they are.
    """
    issuer = x509.load_pem_x509_certificate(ca.cert_pem.bytes()).subject
    signer = serialization.load_pem_private_key(ca.private_key_pem.bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    with warnings.catch_warnings(action="ignore"):  # of names that are too long
        kind = x509.NameOID.COMMON_NAME
        name = x509.NameAttribute(kind, common_name, _validate=False)
    builder = x509.CertificateBuilder(
        issuer,
        x509.Name([name]),
        key.public_key(),
        x509.random_serial_number(),
        dt.datetime(2000, 1, 1, tzinfo=dt.UTC),
        dt.datetime(3000, 1, 1, tzinfo=dt.UTC),
    )
    if alternatives:
        identifier = x509.OID_SUBJECT_ALTERNATIVE_NAME
        raw = x509.UnrecognizedExtension(identifier, alternatives)
        builder = builder.add_extension(raw, critical=False)
    form, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    secret = key.private_bytes(form, pkcs8, serialization.NoEncryption())
    return builder.sign(signer, hashes.SHA256()).public_bytes(form) + secret
