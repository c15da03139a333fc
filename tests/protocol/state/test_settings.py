"""What the engine knows of its server: names from the registries, values that stay."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from pytest_smtpserver.protocol.sasl.credentials import SaslContext
from pytest_smtpserver.protocol.sasl.mechanisms import MECHANISMS
from pytest_smtpserver.protocol.state.settings import (
    DEFAULT_EXTENSIONS,
    KNOWN_EXTENSIONS,
    KNOWN_MECHANISMS,
    Settings,
    Values,
)
from pytest_smtpserver.protocol.state.states import TABLE
from pytest_smtpserver.protocol.syntax.parameters import ParameterRules
from pytest_smtpserver.protocol.syntax.values import NO_VALUES, DeliverBy


def test_extensions_are_those_of_the_registry() -> None:
    """EHLO keywords as their RFCs register them; Postfix offers the first ones."""
    assert set(DEFAULT_EXTENSIONS) == {
        "PIPELINING",  # RFC 2920 §3
        "SIZE",  # RFC 1870 §3
        "8BITMIME",  # RFC 6152 §2
        "SMTPUTF8",  # RFC 6531 §3.1
        "ENHANCEDSTATUSCODES",  # RFC 2034 §2
        "DSN",  # RFC 3461 §3
        "CHUNKING",  # RFC 3030 §2
    }
    assert set(KNOWN_EXTENSIONS) - set(DEFAULT_EXTENSIONS) == {
        "BINARYMIME",  # RFC 3030 §3
        "ETRN",  # RFC 1985 §4
        "REQUIRETLS",  # RFC 8689 §2
        "DELIVERBY",  # RFC 2852 §3
        "FUTURERELEASE",  # RFC 4865 §3
        "MT-PRIORITY",  # RFC 6710 §4
        "LIMITS",  # RFC 9422 §3
    }


def test_mechanisms_are_those_that_exist() -> None:
    assert set(KNOWN_MECHANISMS) == set(MECHANISMS)


@pytest.mark.parametrize(
    "value",
    [
        Settings(),
        NO_VALUES,
        DeliverBy(1, "R"),
        ParameterRules(frozenset()),
        SaslContext("mx.example.org", "nonce", b"salt"),
        MECHANISMS["PLAIN"],
        TABLE["MAIL"],
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_stay_as_they_are(value: Any) -> None:
    """Sessions share them: one that changed them would change the others."""
    if isinstance(value, Values):
        name = next(iter(value.defaults))
    else:
        name = fields(value)[0].name if is_dataclass(value) else value._fields[0]
    with pytest.raises(AttributeError) as refused:
        setattr(value, name, None)
    if isinstance(value, Values):
        assert (
            str(refused.value) == f"{name} cannot be set: the values stay as they are"
        )
