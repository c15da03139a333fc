"""A Starlette application that sends its mail by smtplib, in a background task."""

import os
import smtplib
from email.message import EmailMessage

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse
from starlette.routing import Route


def confirm(address):
    """Starlette runs it in a thread, after the response has left."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = (
        "shop@example.org",
        address,
        "Your order",
    )
    mail.set_content("Thank you.\n")
    host, port = os.environ["SMTP_HOST"], int(os.environ["SMTP_PORT"])
    with smtplib.SMTP(host, port, local_hostname="shop.example.org") as client:
        client.send_message(mail)


async def order(request):
    """The customer does not wait for the mail."""
    address = request.query_params["address"]
    return PlainTextResponse("Ordered.", background=BackgroundTask(confirm, address))


app = Starlette(routes=[Route("/orders", order, methods=["POST"])])
