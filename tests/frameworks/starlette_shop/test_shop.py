"""What a customer of the shop gets."""

import pytest
import shop
from starlette.testclient import TestClient


@pytest.fixture
def client(smtp_server, monkeypatch):
    """The application reads the environment when it sends."""
    for name, value in smtp_server.env.items():
        monkeypatch.setenv(name, value)
    with TestClient(shop.app) as client:
        yield client


def test_an_order_is_confirmed(client, smtp_server):
    assert client.post("/orders?address=ada@example.org").text == "Ordered."
    message = smtp_server.wait_for_message(to="ada@example.org")
    assert message.subject == "Your order"
    assert message.text == "Thank you.\n"
