"""Whether mail goes out: why the mail server last refused, until it takes a message again."""

import smtplib
import ssl
from typing import Final

from django.conf import settings

from web.accounts.models_live import LiveSetting

# The row that has the reason; when it was changed is when that happened.
FAILURE: Final = "MAIL_FAILURE"
_REASONS: Final = (
    (smtplib.SMTPAuthenticationError, "the server refuses the user name and password."),
    (smtplib.SMTPSenderRefused, "the server refuses the sender."),
    (smtplib.SMTPRecipientsRefused, "the server refuses mail to this address."),
    (ssl.SSLError, "the server doesn’t encrypt as expected. Check the port and the switch for TLS."),
    (smtplib.SMTPNotSupportedError, "the server doesn’t encrypt as expected. Check the port and the switch for TLS."),
)


def note_failure(error: OSError) -> str:
    """Keep why a message could not be sent; the reason, for operators."""
    other = "the server doesn’t answer as a mail server. Check its name and port."
    why = next((text for kind, text in _REASONS if isinstance(error, kind)), other)
    LiveSetting.objects.update_or_create(name=FAILURE, defaults={"value": why})
    return why


def note_sent() -> None:
    """A message went out: no failure is the last one any more."""
    LiveSetting.objects.filter(name=FAILURE).delete()


def last_failure() -> str:
    """Why and when the last message could not be sent, for operators; empty if it was, or without a server."""
    row = LiveSetting.objects.filter(name=FAILURE).first() if settings.EMAIL_HOST else None
    return f"No message could be sent at {row.changed:%Y-%m-%d %H:%M} (UTC): {row.value}" if row else ""
