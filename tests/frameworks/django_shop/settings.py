"""The settings of the shop, as in production but for the database."""

import django

SECRET_KEY = "only for these tests"
ROOT_URLCONF = "shop"
USE_TZ = True
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes"]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "DIRS": ["templates"],
    }
]
DEFAULT_FROM_EMAIL = "Shop <shop@example.org>"
SERVER_EMAIL = "errors@example.org"
ADMINS = (
    ["admin@example.org"]
    if django.VERSION >= (6, 0)
    else [("Admin", "admin@example.org")]
)
if django.VERSION >= (6, 1):
    MAILERS = {"default": {"OPTIONS": {"host": "mail.example.org"}}}
else:
    EMAIL_HOST = "mail.example.org"
