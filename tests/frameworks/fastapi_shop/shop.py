"""A FastAPI application that sends its mail by fastapi-mail, in the background."""

from functools import cache
from typing import Annotated

from fastapi import BackgroundTasks, Depends, FastAPI
from fastapi_mail import ConnectionConfig, FastMail, MessageSchema, MessageType
from pydantic import EmailStr

app = FastAPI()


@cache
def mail_settings() -> ConnectionConfig:
    """The settings, from the environment: MAIL_SERVER, MAIL_PORT and so on."""
    return ConnectionConfig(MAIL_FROM="shop@example.org", MAIL_FROM_NAME="Shop")


def mailer(
    settings: Annotated[ConnectionConfig, Depends(mail_settings)],
) -> FastMail:
    """What sends."""
    return FastMail(settings)


@app.post("/orders")
async def order(
    address: EmailStr,
    tasks: BackgroundTasks,
    mailer: Annotated[FastMail, Depends(mailer)],
):
    """The customer does not wait for the mail."""
    message = MessageSchema(
        subject="Your order",
        recipients=[address],
        body="<p>Thank you. Your code is 482913.</p>",
        subtype=MessageType.html,
    )
    tasks.add_task(mailer.send_message, message)
    return {"ordered": True}
