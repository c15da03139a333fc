"""A command line program that sends a mail."""

import smtplib
from email.message import EmailMessage
from urllib.parse import urlsplit

import click


@click.command()
@click.argument("address")
@click.option("--smtp-url", envvar="SMTP_URL", required=True)
def remind(address, smtp_url):
    """Remind somebody."""
    url = urlsplit(smtp_url)
    kind = smtplib.SMTP_SSL if url.scheme == "smtps" else smtplib.SMTP
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "shop@example.org", address, "Remember"
    mail.set_content("Milk.\n")
    try:
        with kind(url.hostname, url.port, local_hostname="shop.example.org") as client:
            client.send_message(mail)
    except smtplib.SMTPRecipientsRefused as error:
        code, text = error.recipients[address]
        raise click.ClickException(f"{address}: {code} {text.decode()}") from error
    click.echo(f"{address} was reminded")


if __name__ == "__main__":
    remind()
