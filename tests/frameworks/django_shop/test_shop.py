"""What the customers and the admins of the shop find in their mailboxes."""

import smtplib
import ssl
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
import shop
from asgiref.sync import async_to_sync
from django.contrib.auth import authenticate
from django.core.mail import send_mail


@pytest.mark.django_db
def test_the_welcome_leaves_with_the_commit(
    client, mailbox, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        client.get("/sign-up", {"address": "ada@example.org"})
        mailbox.assert_no_messages()

    message = mailbox.wait_for_message(to="ada@example.org")
    assert message.from_ == "shop@example.org"
    assert message.subject == "Willkommen, schön dass du da bist"
    assert message.text == "Hello!\n"
    assert message.html.strip() == "<p>Hello!</p>"
    assert [file.filename for file in message.attachments] == ["terms.txt"]


@pytest.mark.django_db(transaction=True)
def test_a_real_commit(client, mailbox):
    client.get("/sign-up", {"address": "ada@example.org"})
    mailbox.assert_received(to="ada@example.org", times=1)


@pytest.mark.django_db
def test_the_password_is_reset_through_the_link(client, mailbox, django_user_model):
    django_user_model.objects.create_user("ada", "ada@example.org", "old password")
    client.post("/forgot", {"email": "ada@example.org"})

    link = mailbox.wait_for_message(to="ada@example.org").link("/reset/")
    form = client.get(urlsplit(link).path)
    new = {"new_password1": "a new passw0rd", "new_password2": "a new passw0rd"}
    assert client.post(form.headers["Location"], new).headers["Location"] == "/done"
    assert authenticate(username="ada", password="a new passw0rd") is not None


@pytest.mark.django_db
def test_a_stranger_gets_no_link(client, mailbox):
    client.post("/forgot", {"email": "nobody@example.org"})
    mailbox.assert_no_messages()


def test_the_newsletter_uses_one_connection(mailbox):
    assert shop.newsletter(["ada@example.org", "bob@example.org"]) == 2
    (session,) = mailbox.sessions
    assert session.transaction_count == 2


def test_the_newsletter_stops_at_a_refused_reader(mailbox):
    mailbox.on("RCPT", "ada@example.org").reply(550, "5.1.1 No such user")
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        shop.newsletter(["ada@example.org", "bob@example.org"])
    mailbox.assert_no_messages()


def test_an_async_view(async_client, mailbox):
    get = async_to_sync(async_client.get)
    assert get("/invite", {"address": "bob@example.org"}).status_code == 200
    mailbox.assert_received(to="bob@example.org", times=1)

    mailbox.on("RCPT").reply(550, "5.1.1 No such user")
    assert get("/invite", {"address": "eve@example.org"}).status_code == 422


@pytest.mark.django_db(transaction=True)
def test_through_the_live_server(live_server, mailbox):
    """The mail leaves in another thread."""
    with urlopen(f"{live_server.url}/sign-up?address=ada@example.org") as page:
        assert page.status == 200
    mailbox.wait_for_message(to="ada@example.org")


def test_admins_hear_of_errors(client, mailbox):
    client.raise_request_exception = False
    assert client.get("/broken").status_code == 500
    message = mailbox.wait_for_message(to="admin@example.org")
    assert message.from_ == "errors@example.org"
    assert "RuntimeError at /broken" in message.text


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("starttls", marks=pytest.mark.smtp_server(tls="starttls")),
        pytest.param("implicit", marks=pytest.mark.smtp_server(tls="implicit")),
    ],
)
@pytest.mark.smtp_server(users={"shop": "sesame"}, auth_required=True)
def test_over_tls_with_a_login(secure_mailbox, kind):
    send_mail("Hi", "Hello.", None, ["ada@example.org"])
    (message,) = secure_mailbox.messages
    assert message.session.transmission_type == "ESMTPSA"
    assert message.session.user == "shop"


@pytest.mark.smtp_server(tls="starttls", certificate="expired")
def test_an_expired_certificate_is_refused(secure_mailbox):
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        send_mail("Hi", "Hello.", None, ["ada@example.org"])
    secure_mailbox.assert_no_messages()


# Django leaves the connection to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_server_without_tls_names_the_option(secure_mailbox):
    """Django asks EHLO for STARTTLS, and raises before it sends the command."""
    with pytest.raises(smtplib.SMTPNotSupportedError):
        send_mail("Hi", "Hello.", None, ["ada@example.org"])
    with pytest.raises(AssertionError, match=r"no STARTTLS .*tls='starttls'"):
        secure_mailbox.wait_for_message(timeout=0)
