"""Mail that a worker sends, in its own time."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def order(address):
    """The web application, here a process too: it queues the task."""
    code = f"import shop; shop.confirm.delay({address!r})"
    subprocess.run([sys.executable, "-c", code], cwd=HERE, env=os.environ, check=True)


def test_the_worker_sends_the_mail(worker, smtp_server):
    order("ada@example.org")
    message = smtp_server.wait_for_message(to="ada@example.org", timeout=30)
    assert message.subject == "Your order"
    assert message.session.helo == "worker.example.org"


def test_the_worker_tries_again(worker, smtp_server):
    refused = smtp_server.on("MAIL").reply(451, "4.3.2 Busy").once()
    order("ada@example.org")
    smtp_server.wait_for_message(to="ada@example.org", timeout=30)
    assert len(refused.calls) == 1


def test_without_a_worker(smtp_server, monkeypatch):
    """`apply` runs the task here and now: enough for what the mail says."""
    import shop

    for name, value in smtp_server.env.items():
        monkeypatch.setenv(name, value)
    shop.confirm.apply(["ada@example.org"], throw=True)
    smtp_server.assert_received(to="ada@example.org", times=1)
