"""Which of several numbers is the code."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from ..make import html_mail, received, text_mail

if TYPE_CHECKING:
    from pytest_smtpserver.mail.message import ReceivedMessage


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


# Digits that are joined to others


def _missed(message: ReceivedMessage) -> tuple[list[str], str]:
    """What the error has as the nearest, and the pattern that it proposes."""
    with pytest.raises(AssertionError, match=r"^no code in ") as raised:
        message.code()
    lines = str(raised.value).splitlines()
    nearest = next(line for line in lines if line.startswith("  nearest:  "))
    proposed = re.search(r'message\.code\(r"(.*)"\) takes it all', lines[-1])
    assert proposed
    return list(ast.literal_eval(f"[{nearest[12:]}]")), proposed[1]


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("Your code is 1234 5678.", "1234 5678"),
        ("Your code: 1234-5678", "1234-5678"),
        ("Your code is 482 9130", "482 9130"),
        ("Your code is 482 913", "482 913"),
        ("Your recovery code: 4829 1300 2211", "4829 1300 2211"),
        ("Your code is 4829\u00a01300", "4829\u00a01300"),
        ("Your code is 4829\u20091300", "4829\u20091300"),
        ("Your code is 4829\u202f1300", "4829\u202f1300"),
        ("Your code is 4829\u20111300", "4829\u20111300"),
        ("Your code is 4829.1300", "4829.1300"),
        ("Your code: 12345 67890", "12345 67890"),
        ("Your code: 123456 789012", "123456 789012"),
        ("Your recovery key: 482913-553211-887766", "482913-553211-887766"),
        ("4829 1300 is your Acme code", "4829 1300"),
        ("Enter 4829 1300 to sign in", "4829 1300"),
        ("Hello,\n\n4829 1300\n\nAcme Inc., Springfield", "4829 1300"),
        ("Log in with 4829 1300", "4829 1300"),
        ("Log in with 482 913. Sent 2026-11-28 10:15", "482 913"),
        ("Your code is 4829 1300 10 minutes", "4829 1300"),
        ("Your code is 4829 1300\n2026 Acme", "4829 1300"),
        ("Your code is 4829 1300. Order 99887766.", "4829 1300"),
        ("Your code is 482 913. Order 99887766.", "482 913"),
        ("Your code 4 829 130, order 99887766", "4 829 130"),
        ("Code for your account: 4829 1300. Order 99887766", "4829 1300"),
        # German, French, Spanish, Italian
        ("Ihr Code lautet 4829 1300.", "4829 1300"),
        ("Geben Sie 4829-1300 ein", "4829-1300"),
        ("Votre code de vérification : 482 9130.", "482 9130"),
        ("Saisissez 4829 1300", "4829 1300"),
        ("Tu código es 4829-1300.", "4829-1300"),
        ("Introduce 4829 1300", "4829 1300"),
        ("Il tuo codice è 4829.1300", "4829.1300"),
        ("Inserisci 482 913. Ordine 99887766", "482 913"),
    ],
)
def test_a_part_of_a_code_is_none(text: str, group: str) -> None:
    """The error has the whole group, and a pattern that finds it."""
    message = text_mail(text)
    nearest, proposed = _missed(message)
    assert nearest == [group]
    assert message.code(proposed) == group


@pytest.mark.parametrize(
    ("html", "group"),
    [
        ("<p>Your code is 4829&nbsp;1300</p>", "4829\u00a01300"),
        ("<p>Code: <b>4829</b> <b>1300</b></p>", "4829 1300"),
        ("<h1>4829 1300</h1><p>© 2026 Acme Inc.</p>", "4829 1300"),
        ("<p>Code: <i>4</i> <i>8</i> <i>2</i> <i>9</i></p>Order 99887766", "4 8 2 9"),
        ("Code: <table><tr><td>4<td>8<td>2<td>9</table>Order 99887766", "4\n8\n2\n9"),
        ("Code: <table><tr><td>482</td><td>9130</td></tr></table>", "482\n9130"),
    ],
)
def test_a_part_of_a_code_in_html_is_none(html: str, group: str) -> None:
    """Digits may stand in elements, or in cells, of their own."""
    message = html_mail(html)
    nearest, proposed = _missed(message)
    assert nearest == [group]
    assert message.code(proposed) == group


def test_what_the_error_says_of_a_group() -> None:
    """Expected, got, nearest, and the way out, with blanks that can be seen."""
    message = text_mail("Your code is 4829\u00a01300.")
    with pytest.raises(AssertionError) as raised:
        message.code()
    assert str(raised.value).splitlines()[1:] == [
        r'  expected: one match of r"\b\d{4,8}\b" in the body or subject',
        "  got:      'test'",
        "            'Your code is 4829 1300.'",
        r"  nearest:  '4829\xa01300'",
        (
            "  (digits of a group are no code; "
            r'message.code(r"\b\d{4}\xa0\d{4}\b") takes it all)'
        ),
    ]


def test_several_groups_and_a_group_in_the_subject() -> None:
    """All that are near are shown; a number elsewhere in the mail is not taken."""
    codes = text_mail("Your codes: 4829 1300, 2211 9876")
    assert _missed(codes)[0] == ["4829 1300", "2211 9876"]
    assert _missed(text_mail("Welcome", "Your code: 4829 1300"))[0] == ["4829 1300"]
    order = text_mail("Log in with 4829 1300", subject="Order 99887766")
    assert _missed(order)[0] == ["4829 1300"]


def test_a_pattern_takes_no_part_of_a_group_either() -> None:
    """What the pattern finds begins and ends where the group does, or outside of it."""
    message = text_mail("Your code is 1234 5678")
    for pattern in (r"\d{4}", r"code is (\d+)"):
        with pytest.raises(AssertionError, match="nearest:  '1234 5678'"):
            message.code(pattern)
    assert message.code(r"(\d{4}) \d{4}") == "1234"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (text_mail("Your code is 482 913", "482913 is your code"), "482913"),
        (text_mail("Your code is 4829 1300", "48291300 is your code"), "48291300"),
        (html_mail("<p>Your code: <i>48</i> <i>29</i>", "Your code: 4829"), "4829"),
    ],
)
def test_the_same_digits_without_blanks(message: ReceivedMessage, code: str) -> None:
    """A group is often shown beside the code itself."""
    assert message.code() == code


@pytest.mark.parametrize(
    "text",
    [
        "482913 10 minutes",
        "Your code is 482913\n2026 Acme Inc.",
        "Code 482913 (order 77889912)",
        "482913, valid until 2026-11-27 18:00",
        "482913 2026-11-27 18:00",
        "Code 482913 27.11.2026 18:00 Uhr",
        "482913, valid until 27-11-2026",
        "Your code is 482913. Tel. 030 1234567",
        "Log in: 482913. Call +49 30 1234567",
        "Use 482913 to log in.\n\nTel. +1 555-010-9999",
        "482913\n\n01 23 45 67 89\n",
        "Hello\n\n482913\n\nSupport 1-800-555-0134",
        "Your code is 482913 for 1 500 EUR",
        "Code 482913 $1234.56",
        "Your balance is 1234.56, your code is 482913",
        "Code requested from 192.168.1.100: 482913",
        "Your code is 482913. Card 4111 1111 1111 1111",
        "Your code is 482913.\nIBAN DE12 3456 7890 1234 5678 90",
        "Log in: 482913. © 2019-2026 Acme",
        "Code 482913 10115 Berlin",
        "G-482913 is your verification code.",
        "The code expires in 10-15 minutes. 482913",
        "Your code works 24-7: 482913",
        "Your code: 482913\nZIP 12345-6789",
        "Ihr Code: 482913\nHotline 0800 123 4567 (Mo-Fr 8-18 Uhr), HRB 12345",
        "Votre code est le 482913.\nSIRET 123 456 789 00012\n75 001 Paris",
        "Tu código es 482913\nC.I.F. B-12345678, Tel. 91 123 45 67",
        "Il tuo codice è: 482913\nP.IVA 01234567890, tel. 02 1234 5678",
    ],
)
def test_numbers_that_stand_one_after_the_other(text: str) -> None:
    """They are no group, or not the code's."""
    assert text_mail(text).code() == "482913"


@pytest.mark.parametrize(
    "text",
    [
        "4829 10 minutes",
        "Ihr Code 4829 10 Minuten gültig",
        "Votre code 4829 15 minutes",
        "Tu código 4829 15 minutos",
        "Il codice 4829 24 ore",
        "Code 4829 24h",
        "Your code is 4829\n2026 Acme Inc.",
        "PIN: 4829\n\n10115 Berlin",
        "Booking 4711-1300-22. Your PIN: 4829",
        "Dein Code 4829 für Ticket 4711 1300",
    ],
)
def test_a_short_code_beside_other_numbers(text: str) -> None:
    assert text_mail(text).code() == "4829"


def test_blocks_and_cells_are_no_group() -> None:
    """A code at the end of one, and a number at the start of the next."""
    assert html_mail("<div>Your code: 4829</div><div>1600 Main St").code() == "4829"
    assert html_mail("<td>Code</td><td>482913</td><td>2026</td>").code() == "482913"


# Numbers of accounts and orders


@pytest.mark.parametrize(
    "other",
    [
        "Order 99887766.",
        "Order number 99887766.",
        "Order number: 99887766",
        "Order #99887766",
        "Your order 99887766 has shipped",
        "Your order number is 99887766.",
        "99887766 is your order number.",
        "Your order (99887766)",
        "Order-ID: 99887766",
        "Order 112-4829130-2211447, customer no. 12345",
        "Account 99887766",
        "You paid $1234. You paid 2500.00 EUR. INR 25000",
        "Order 99887766 of 2026-11-28. Total 1250.00 EUR. Tel. 030 1234567",
        "Bestellung 99887766",
        "Ihre Bestellnummer lautet 99887766.",
        "Auftrag Nr. 99887766",
        "Kunden-Nr. 99887766",
        "Kontonummer 99887766",
        "Commande 99887766",
        "Numéro de commande : 99887766",
        "Votre commande n° 99887766",
        "Le numéro de votre commande est 99887766",
        "Votre compte 99887766",
        "Pedido 99887766",
        "Número de pedido: 99887766",
        "Tu pedido n.º 99887766",
        "Su cuenta 99887766",
        "Ordine 99887766",
        "Numero d'ordine: 99887766",
        "Il tuo ordine n. 99887766",
        "Conto 99887766",
    ],
)
def test_an_order_and_another_number(other: str) -> None:
    """The one that is not of an order is the code, wherever they stand."""
    assert text_mail(f"Use 004521 to log in. {other}").code() == "004521"
    assert text_mail(f"{other}\nLog in with 004521").code() == "004521"


def test_an_order_in_html_and_in_the_sentence() -> None:
    cells = "<table><tr><td>Order number</td><td>99887766</td></tr></table>"
    assert html_mail(f"{cells}Use 004521 to log in").code() == "004521"
    assert text_mail("Use 482913 to sign in to order 778899").code() == "482913"
    both = "482913 is your code, 99887766 is your order number"
    assert text_mail(both).code() == "482913"
    both = "482913 is your account code, order 99887766"
    assert text_mail(both).code() == "482913"


def test_an_order_counts_where_there_is_nothing_else() -> None:
    assert text_mail("Your order 99887766 has shipped").code() == "99887766"


@pytest.mark.parametrize(
    "text",
    [
        "Use 004521 or 482913. Order 99887766.",
        "Order 99887766, invoice 12345678.",
        "Order 99887766. 10115 Berlin",
        "Order 99887766. Springfield, IL 62701",
        "Order 99887766. Post code 10115",
        "Order 99887766. © 2026 Acme",
        "Order 99887766. Valid for 3600 seconds",
        "Security code for your account: 482913. Log 778899",
        "Order 99887766. Log in with 4829 1300",
        "Order 99887766. Log in with 482 913",
    ],
)
def test_an_order_is_no_reason_for_a_guess(text: str) -> None:
    """Where the one that is left is hardly a code, or is meant by nothing."""
    with pytest.raises(AssertionError, match=r"codes where one was|nearest:"):
        text_mail(text).code()
