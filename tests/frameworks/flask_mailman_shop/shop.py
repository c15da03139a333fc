"""A Flask application that sends its mail by Flask-Mailman."""

from flask import Flask, request
from flask_mailman import EmailMultiAlternatives, Mail

mail = Mail()


def create_app(**settings):
    """The application, with settings on top of its own."""
    app = Flask(__name__)
    app.config["MAIL_DEFAULT_SENDER"] = "shop@example.org"
    app.config.update(settings)
    mail.init_app(app)

    @app.post("/orders")
    def order():
        message = EmailMultiAlternatives(
            "Your order", "Thank you.\n", to=[request.form["address"]]
        )
        message.attach_alternative("<p>Thank you.</p>", "text/html")
        message.send()
        return "Ordered."

    return app
