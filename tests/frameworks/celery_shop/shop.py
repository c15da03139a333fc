"""A Celery application: a worker sends the mail."""

import os
import smtplib
from email.message import EmailMessage

from celery import Celery

app = Celery("shop", broker=os.environ.get("BROKER", "memory://"))
app.conf.update(
    broker_transport_options={
        # Kombu's broker of files: no other program is needed.
        "data_folder_in": os.environ.get("QUEUE", "queue"),
        "data_folder_out": os.environ.get("QUEUE", "queue"),
        "control_folder": os.environ.get("CONTROL", "control"),
    },
    broker_connection_retry_on_startup=True,
)


@app.task(
    autoretry_for=(smtplib.SMTPException, OSError),
    retry_backoff=False,
    default_retry_delay=0,
    max_retries=3,
)
def confirm(address):
    """Send the mail; a failure is tried again."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = (
        "shop@example.org",
        address,
        "Your order",
    )
    mail.set_content("Thank you.\n")
    host, port = os.environ["SMTP_HOST"], int(os.environ["SMTP_PORT"])
    with smtplib.SMTP(host, port, local_hostname="worker.example.org") as client:
        client.send_message(mail)
