"""A user's mistakes, which mypy and pyright have to see; nothing runs this.

An ignore that nothing needs is an error too.
"""
# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_smtpserver import SMTPServer, personas

if TYPE_CHECKING:
    from pytest_smtpserver import ServerOptions


def mistakes(smtp_server: SMTPServer) -> None:
    """Each is seen: an ignore that nothing needs is an error too."""
    SMTPServer(certificate=5)  # type: ignore[arg-type]
    SMTPServer(sni_certificates={"a": 5})  # type: ignore[dict-item]
    SMTPServer(users="ada")  # type: ignore[arg-type]
    smtp_server.outage("slowly")  # type: ignore[arg-type]
    smtp_server.assert_no_messages(within="1")  # type: ignore[arg-type]
    personas.mimecast({"a@b.example": "greylist"})  # type: ignore[dict-item]
    personas.sendmail({"a@b.example": "over quota"})  # type: ignore[dict-item]
    options: ServerOptions = {"tls": True}  # type: ignore[typeddict-item]
    assert options
