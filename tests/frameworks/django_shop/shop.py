"""A shop: people sign up, forget their password, and get the newsletter."""

import smtplib

from django.contrib.auth import get_user_model, views
from django.core.mail import EmailMultiAlternatives, send_mail, send_mass_mail
from django.db import transaction
from django.http import HttpResponse
from django.urls import path, reverse_lazy


def sign_up(request):
    """Create a user; the mail leaves when the transaction is committed."""
    address = request.GET["address"]
    with transaction.atomic():
        get_user_model().objects.create_user(address, address, "first password")
        transaction.on_commit(lambda: welcome(address))
    return HttpResponse("Look into your mailbox.")


def welcome(address):
    """Greet a new user, as text and as HTML."""
    mail = EmailMultiAlternatives(
        "Willkommen, schön dass du da bist", "Hello!\n", to=[address]
    )
    mail.attach_alternative("<p>Hello!</p>", "text/html")
    mail.attach("terms.txt", "Be nice.\n", "text/plain")
    mail.send()


async def invite(request):
    """Invite a friend. Django's mail is blocking, so a thread sends it."""
    from asgiref.sync import sync_to_async

    try:
        await sync_to_async(send_mail)(
            "Come too", "https://shop.example.org/", None, [request.GET["address"]]
        )
    except smtplib.SMTPRecipientsRefused:
        return HttpResponse("There is no such address.", status=422)
    return HttpResponse("Invited.")


def broken(request):
    """A page with a bug: Django reports it to the admins by mail."""
    raise RuntimeError("a bug")


def newsletter(addresses):
    """One mail for each reader, over one connection."""
    return send_mass_mail([("News", "There is news.", None, [to]) for to in addresses])


urlpatterns = [
    path("sign-up", sign_up),
    path("invite", invite),
    path("broken", broken),
    path(
        "forgot",
        views.PasswordResetView.as_view(success_url="/sent", template_name="page.html"),
    ),
    path("sent", lambda request: HttpResponse("Sent.")),
    path(
        "reset/<uidb64>/<token>/",
        views.PasswordResetConfirmView.as_view(
            success_url=reverse_lazy("done"), template_name="page.html"
        ),
        name="password_reset_confirm",
    ),
    path("done", lambda request: HttpResponse("Done."), name="done"),
]
