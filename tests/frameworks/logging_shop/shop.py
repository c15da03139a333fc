"""An application that mails its errors by logging's SMTPHandler."""

import logging
from logging.handlers import SMTPHandler

log = logging.getLogger("shop")


def mail_errors(address, **options):
    """Mail what is an error or worse."""
    handler = SMTPHandler(
        address,
        "shop@example.org",
        ["admin@example.org"],
        "The shop is in trouble",
        **options,
    )
    handler.setLevel(logging.ERROR)
    log.addHandler(handler)
    return handler


def order(number):
    """Fail now and then."""
    try:
        return 1 / number
    except ZeroDivisionError:
        log.exception("order %d failed", number)
        return None
