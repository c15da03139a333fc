"""Serves a Node.js process: our servers, whose handlers are callbacks in JavaScript.

``bridge.py ASK ANSWER`` reads requests and answers from its standard input, and writes
results and events to its standard output, a line of JSON each. A handler runs in a thread
of its own and waits there for its answer. Over the two named pipes comes what the other
side can do nothing without: its one thread waits for the result.
"""

from __future__ import annotations

import base64
import itertools
import json
import queue
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_smtpserver import Reply, SMTPServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_smtpserver import Address, Event

#: Our option for one of theirs that is a value; times are milliseconds there.
OPTIONS = {
    "name": "hostname",
    "size": "max_message_size",
    "maxClients": "max_connections",
    "maxAllowedUnauthenticatedCommands": "max_unauthenticated_commands",
    "authMethods": "auth_mechanisms",
    "allowInsecureAuth": "allow_insecure_auth",
    "hideSTARTTLS": "hide_starttls",
    "useProxy": "proxy_protocol",
    "lmtp": "lmtp",
}
TIMES = {"socketTimeout": "idle_timeout", "closeTimeout": "close_timeout"}
#: Hidden by smtp-server unless an option says ``false``.
RARE = ("ENHANCEDSTATUSCODES", "DSN", "REQUIRETLS")
ALWAYS = ("PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE")


def our_options(theirs: dict[str, Any]) -> dict[str, Any]:
    """The options of a server of ours that does what one of theirs would."""
    disabled = set(theirs.get("disabledCommands", ()))
    ours: dict[str, Any] = {
        our: theirs[their] for their, our in OPTIONS.items() if their in theirs
    }
    ours |= {
        our: theirs[their] / 1000 for their, our in TIMES.items() if their in theirs
    }
    ours |= {
        "extensions": [
            *(one for one in ALWAYS if not theirs.get(f"hide{one}")),
            *(one for one in RARE if theirs.get(f"hide{one}") is False),
        ],
        "max_unrecognized_commands": 10,
        "greeting_delay": 0.1,
        "resolve_client_hostname": False,
    }
    if "size" in theirs:
        ours["enforce_message_size"] = False
    ours.setdefault("max_unauthenticated_commands", 10)
    if "AUTH" not in disabled:
        ours["users"] = {}
        ours["auth_required"] = not theirs.get("authOptional", False)
    if theirs.get("secure"):
        ours["tls"] = "implicit"
    elif "STARTTLS" not in disabled:
        ours["tls"] = "starttls"
    if "key" in theirs:
        ours["certificate"] = certificate(theirs)
    return ours


def certificate(theirs: dict[str, Any]) -> tuple[Path, Path]:
    """The files of certificate and key, which are texts there."""
    folder = Path(theirs["folder"])
    files = folder / "cert.pem", folder / "key.pem"
    for file, text in zip(files, (theirs["cert"], theirs["key"]), strict=True):
        file.write_text(text)
    return files


class Bridge:
    """Servers by their number, and the handlers that wait for an answer."""

    def __init__(self) -> None:
        self._servers: dict[int, SMTPServer] = {}
        self._numbers = itertools.count()
        self._waiting: dict[int, queue.SimpleQueue[dict[str, Any]]] = {}
        self._writing = threading.Lock()

    def run(self, ask: Path, answer: Path) -> None:
        """Until the other side closes."""
        threading.Thread(target=self._serve, args=(ask, answer), daemon=True).start()
        for line in sys.stdin:
            message = json.loads(line)
            if "answer" in message:
                self._waiting.pop(message["answer"]).put(message)
            else:
                # `stop` waits for handlers, whose answers come here.
                threading.Thread(target=self._do_later, args=(message,)).start()
        for server in self._servers.values():
            server.stop()

    def _serve(self, ask: Path, answer: Path) -> None:
        with ask.open() as requests, answer.open("w", buffering=1) as results:
            for line in requests:
                results.write(json.dumps(self._do(json.loads(line))) + "\n")

    def _tell(self, **message: object) -> None:
        with self._writing:
            print(json.dumps(message), flush=True)  # noqa: T201 - the other side reads it

    def _ask(self, number: int, event: Event, **more: object) -> dict[str, Any]:
        call = next(self._numbers)
        answer = self._waiting[call] = queue.SimpleQueue()
        self._tell(call=call, server=number, event=event.name, **more)
        return answer.get(timeout=30)

    def _do_later(self, message: dict[str, Any]) -> None:
        self._tell(result=message["request"], **self._do(message))

    def _do(self, message: dict[str, Any]) -> dict[str, object]:
        try:
            return getattr(self, message["do"])(message["server"], **message["with"])
        except Exception as error:  # noqa: BLE001 - the caller has to hear of it
            return {"error": f"{type(error).__name__}: {error}"}

    # What the other side asks for

    def start(
        self, number: int, port: int, options: dict[str, Any], hooks: list[str]
    ) -> dict[str, object]:
        """Begin to listen; the port."""
        server = SMTPServer(host="127.0.0.1", port=port, **our_options(options))
        handlers: dict[str, Callable[[int, Event], Reply | None]] = {
            "CONNECT": self._on_connect,
            "SECURE": self._on_secure,
            "CREDENTIALS": self._on_credentials,
            "MAIL": self._on_address,
            "RCPT": self._on_address,
            "MESSAGE": self._on_message,
            "CLOSE": self._on_close,
        }
        for event in hooks:
            on_event = handlers[event]
            server.on(event).call(
                lambda event, on_event=on_event: on_event(number, event)
            ).optional()
        self._servers[number] = server.start()
        return {"port": server.port}

    def stop(self, number: int) -> dict[str, object]:
        """Say 421 to the clients that are there."""
        self._servers.pop(number).stop()
        return {}

    def renew(self, number: int, options: dict[str, Any]) -> dict[str, object]:
        """Another certificate from now on."""
        self._servers[number].use_certificate(certificate(options))
        return {}

    def parse(self, number: int, command: str) -> dict[str, object]:
        """What a handler sees of the address in a command; false where it is refused."""
        seen: list[dict[str, object]] = []

        def note(event: Event) -> None:
            if event.proposed is not None and event.proposed.code < 400:
                seen.append(_address(event.address))

        lines = ["EHLO c.example", command, "QUIT"]
        if command.upper().startswith("RCPT"):
            lines.insert(1, "MAIL FROM:<>")
        options: dict[str, Any] = {"lenient_parameters": True}
        with (
            SMTPServer(**options, handlers={"MAIL": note, "RCPT": note}) as server,
            socket.create_connection(server.address) as client,
        ):
            client.sendall("".join(f"{line}\r\n" for line in lines).encode())
            while client.recv(65536):
                pass
        return {"parsed": seen[-1] if len(seen) == len(lines) - 2 else False}

    # Handlers

    def _on_connect(self, number: int, event: Event) -> Reply | None:
        return _refusal(self._ask(number, event, session=_session(event)), 554)

    def _on_secure(self, number: int, event: Event) -> Reply | None:
        return _refusal(self._ask(number, event, session=_session(event)), 421)

    def _on_close(self, number: int, event: Event) -> None:
        self._ask(number, event, session=_session(event))

    def _on_credentials(self, number: int, event: Event) -> None:
        auth = event.auth
        said = self._ask(
            number,
            event,
            session=_session(event),
            auth={
                "method": auth.mechanism,
                "username": auth.username,
                "password": auth.password,
                "accessToken": auth.access_token,
            },
        )
        if "validate" in said:  # a password that a proof is compared with
            if auth.check_password(said["validate"]):
                event.accept(said["user"])
            else:
                event.refuse()
        elif said.get("user"):
            event.accept(said["user"])
        else:
            event.refuse(535, said.get("message"), data=said.get("data"))

    def _on_address(self, number: int, event: Event) -> Reply | None:
        if event.proposed is None or event.proposed.code >= 400:
            return None
        said = self._ask(
            number,
            event,
            session=_session(event),
            address=_address(event.address),
        )
        return _refusal(said, 550)

    def _on_message(self, number: int, event: Event) -> Reply | None:
        message = event.message
        said = self._ask(
            number,
            event,
            session=_session(event),
            content=base64.b64encode(message.content).decode(),
            sizeExceeded=message.size_exceeded,
        )
        return _refusal(said, 450) or Reply(250, said.get("message") or "OK")


def _refusal(said: dict[str, Any], code: int) -> Reply | None:
    """The reply for the error that a callback was given."""
    if "refused" not in said:
        return None
    return Reply(said.get("responseCode") or code, said["refused"])


def _session(event: Event) -> dict[str, object]:
    session = event.session
    tls = session.tls
    address = event.address if event.name == "MAIL" else None
    parameters = address.parameters if address is not None else {}
    host, port = session.remote_address or (None, None)
    return {
        "id": session.id,
        "secure": tls is not None,
        "tlsOptions": {"name": tls.cipher, "version": tls.version} if tls else False,
        "servername": tls.server_name if tls else False,
        "remoteAddress": host,
        "remotePort": port,
        "hostNameAppearsAs": session.helo,
        "openingCommand": session.opening_command,
        "user": session.user,
        "envelope": {
            "bodyType": (parameters.get("BODY") or "7bit").lower(),
            "smtpUtf8": "SMTPUTF8" in parameters,
            "requireTLS": "REQUIRETLS" in parameters,
            "dsn": {"ret": parameters.get("RET"), "envid": parameters.get("ENVID")},
        },
    }


def _address(address: Address) -> dict[str, object]:
    arguments = {
        name: True if value is None else value
        for name, value in address.parameters.items()
    }
    notify = arguments.get("NOTIFY")
    return {
        "address": str(address),
        "args": arguments or False,
        "dsn": {
            "notify": str(notify).split(",") if notify else None,
            "orcpt": arguments.get("ORCPT"),
        },
    }


if __name__ == "__main__":
    Bridge().run(*map(Path, sys.argv[1:]))
