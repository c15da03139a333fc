"""A Flask application that sends its mail by Flask-Mail."""

from flask import Flask, request
from flask_mail import Mail, Message

mail = Mail()


def create_app(**settings):
    """The application, with settings on top of its own."""
    app = Flask(__name__)
    app.config["MAIL_DEFAULT_SENDER"] = ("Shop", "shop@example.org")
    app.config.update(settings)
    mail.init_app(app)

    @app.post("/orders")
    def order():
        message = Message("Your order", recipients=[request.form["address"]])
        message.body = "Thank you.\n"
        message.html = (
            '<p>Thank you. <a href="https://shop.example.org/orders/7">See it</a></p>'
        )
        mail.send(message)
        return "Ordered."

    return app
