"""What follows from whether there is a mail server, for the settings and for operators who set one on a page."""

from typing import Any


def mail_settings(host: str) -> dict[str, Any]:
    """Django's and allauth's settings with the mail server at `host`; empty: there is none.

    Never the console backend: links that sign people in must not end up in a log file.
    """
    return {
        "EMAIL_BACKEND": f"django.core.mail.backends.{'smtp' if host else 'dummy'}.EmailBackend",
        "ACCOUNT_EMAIL_VERIFICATION": "mandatory" if host else "none",
        "MFA_ALLOW_UNVERIFIED_EMAIL": not host,  # nobody can verify one without mail
    }
