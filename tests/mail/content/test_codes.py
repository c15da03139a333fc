"""Which of several numbers is the code."""

from __future__ import annotations

import pytest

from ..make import html_mail, received, text_mail


@pytest.mark.parametrize(
    "text",
    [
        "Your code is 482913.\n\nExample Inc., 12345 Springfield, 2026",
        "Your verification code: 482913 (c) 2026",
        "PIN: 482913\nTel. 0301234567, 10115 Berlin",
        "Use 2 factors. OTP 482913, since 2019",
        "482913 is your Example code. © 2026",
        "Ihr Bestätigungscode lautet: 482913\n10115 Berlin",
        "Votre code de vérification est 482913\n75001 Paris",
        "Su código es 482913. 28001 Madrid",
        "您的验证码:482913,2026",
        "Post code 10115, your code for acme.example: 482913",
        "Postcode 10115, order code 77777, password 482913",
        "Hello,\n\n  482913  \n\nExample Inc., 12345 Springfield, 2026",
        "Enter this code:\n\n*482913*\n\n2026\n",
        "We got it in 2019.\n> 482913\nTel. 1234567",
        "Code sent at 2026-11-28 10:15: 482913",
        "The code of 28.11.2026 is 482913, not 4711",
        "Votre code : 482913. Code postal 75001",
        "Codice 482913. Codice fiscale 12345678",
        "Coupon code 77777, gift code 88888, your PIN 482913",
    ],
)
def test_the_one_that_stands_out(text: str) -> None:
    """After a word for it, or on a line of its own, before years and post codes."""
    assert text_mail(text).code() == "482913"


def test_a_line_of_its_own_at_the_end_of_the_text() -> None:
    """Its end is the end of a line too."""
    assert received("\r\nSince 2019, 10115 Berlin\r\n482913").code() == "482913"


@pytest.mark.parametrize(
    "text",
    [
        "Your code for your session on 2026 is 482913",
        "Your one-time passcode for 2026 is: 482913. It expires in 10 minutes.",
        "Hello Ada, the code you asked for in 2026 is 482913.",
        "Your PIN of 2019 was changed; the new one is 482913.",
        "Security code for account 12345678: 482913",
        "The verification code for your order 12345678 is 482913.",
        "Verification code for order no. 12345678: 482913",
        "Your code for the phone ending in 4711 is 482913",
        "Your temporary password for user 10023 is 482913",
        "Your code (request 20231) is 482913",
        "Your code for tax year 2025 is 482913",
        "Your code for 2025/2026 is 482913",
        "Here's your code for the 2026 conference: 482913",
        "Your one-time code for Acme (2026) is 482913",
        "Your verification code for the transaction of 1500 EUR is 482913",
        "OTP for transaction of Rs 25000 at SHOP 4711 is 482913. Do not share.",
        "482913 is the OTP for transaction of INR 25000 on your card ending 4711",
        "Use 482913 as your login code for 2026.",
        "Someone logged in from 1270 devices. Was it you? Enter 482913 as the code.",
        "Enter 482913 to verify your e-mail address. © 2026 Acme",
        "Your code was sent on 28.11.2026. It is 482913.",
        "Your login code: 482913 (reference: 20231)",
        "Use code 482913. Your code's reference is: 20231",
        "Dear customer 10023, your OTP is 482913 and is valid till 2359 hrs.",
        # German, French, Spanish, Italian
        "Ihr Code für die Sitzung 2026 lautet 482913.",
        "Ihr Einmalpasswort für den Auftrag 12345678 ist 482913.",
        "Ihre TAN für die Überweisung vom 28.11.2026 über 1500 EUR lautet: 482913",
        "Geben Sie den Code 482913 ein, um sich bei Acme 2026 anzumelden.",
        "Dein Bestätigungscode für das Konto 12345678: 482913",
        "482913 ist dein Anmeldecode. Acme GmbH, Musterstr. 1, 10115 Berlin",
        "Votre code de connexion pour 2026 est 482913.",
        "Votre code pour la commande 12345678 est : 482913",
        "Le code de vérification de votre compte 12345678 est le 482913",
        "Saisissez le code 482913 pour vous connecter. © 2026 Acme, 75001 Paris",
        "Tu código para la sesión de 2026 es 482913.",
        "Su código de verificación para el pedido 12345678 es: 482913",
        "El código para su cuenta 12345678 es el 482913",
        "Introduce el código 482913 para iniciar sesión en Acme 2026",
        "Il tuo codice per il 2026 è 482913",
    ],
)
def test_a_sentence_with_another_number(text: str) -> None:
    """Years, amounts, accounts and orders are less than what the sentence says."""
    assert text_mail(text).code() == "482913"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Your code is 2026. Tel. 4711", "2026"),
        ("Your PIN for the account: 2019\n© 2026 Acme", "2019"),
        ("Use code 2026 to sign in, ext. 4711", "2026"),
        ("Your code for order 12345678 is 2026, © 2025", "2026"),
    ],
)
def test_a_code_that_looks_like_a_year(text: str, code: str) -> None:
    """It is one where the sentence says so."""
    assert text_mail(text).code() == code


@pytest.mark.parametrize(
    "html",
    [
        "<p>Hello</p><h1>482 913</h1><p>© 2026, 123 456 Street</p>",
        "<p>Dear Ada, in 123 456 you joined <h2>Use 482 913 now</h2> 987 654 x",
        "<td>482 913</td><p>Tel. 123 456 7</p>",
    ],
)
def test_headings_and_cells(html: str) -> None:
    """With a pattern of one's own too."""
    assert html_mail(html).code(r"\b\d{3} \d{3}\b") == "482 913"


@pytest.mark.parametrize(
    "text",
    [
        "Your code is 482913, your PIN is 4711.",
        "482913\n4711\n",
        "Since 2019, 10115 Berlin",
        "Post code 10115, 2026",
        "This code is old. 4711 or 482913",
        "Use 482913. Código postal 28001",
        "Your code will expire in 2026 seconds. 482913",
    ],
)
def test_none_stands_out(text: str) -> None:
    """Then they are listed, and the test has to say which."""
    with pytest.raises(AssertionError, match="2 codes where one was expected"):
        text_mail(text).code()


def test_a_subject_with_several_numbers() -> None:
    """The same holds for the subject, where the body has none."""
    message = text_mail("Welcome", subject="482913 is your code for Shop 2026")
    assert message.code() == "482913"


def test_hidden_numbers_are_nobody_s_code() -> None:
    """A preheader repeats, or pads, what the reader sees."""
    html = "<div style='display:none'>111111 222222</div><p>Code: <b>482913</b>"
    assert html_mail(html).code() == "482913"


def test_among_a_thousand_numbers_one_may_stand_out() -> None:
    """And none among more: each is looked at from all sides."""
    others = " ".join(str(100_000 + number) for number in range(999))
    assert text_mail(f"{others}. Your code is 482913").code() == "482913"
    with pytest.raises(AssertionError, match="1001 codes where one was expected"):
        text_mail(f"100999 {others}. Your code is 482913").code()
