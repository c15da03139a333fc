"""What stands in for Mailpit, a program in Go: its HTTP API over a server of ours.

Of its API, as https://mailpit.axllent.org/docs/api-v1/ has it, what the manual asks for:
``GET`` and ``DELETE /api/v1/messages``, ``GET /api/v1/message/{ID}``.
"""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pytest_smtpserver import SMTPServer


@contextmanager
def running():
    """The ports for SMTP and for HTTP."""
    with SMTPServer() as server, ThreadingHTTPServer(("127.0.0.1", 0), _Api) as http:
        http.received = server.messages
        thread = threading.Thread(target=http.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.port, http.server_port
        finally:
            http.shutdown()
            thread.join()


class _Api(BaseHTTPRequestHandler):
    def do_GET(self):
        messages = self.server.received
        _, _, asked = self.path.partition("/api/v1/")
        if asked == "messages":
            # The newest first, without what they say.
            numbers = reversed(range(len(messages)))
            listed = [_summary(number, messages[number]) for number in numbers]
            self.answer({"total": len(listed), "messages": listed})
        else:
            number = int(asked.removeprefix("message/"))
            message = messages[number]
            said = {"Text": message.text, "HTML": message.html}
            self.answer(_summary(number, message) | said)

    def do_DELETE(self):
        self.server.received.clear()
        self.answer("ok")

    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nobody reads it."""


def _summary(number, message):
    return {
        "ID": str(number),
        "From": {"Name": "", "Address": message.from_},
        "To": [{"Name": "", "Address": one} for one in message.to],
        "Subject": message.subject,
    }
