"""Sends what schedules send: emails, and signed requests through the guarded client."""

import logging
from typing import Final

from web.schedules import sending
from web.schedules.models import Delivery
from web.secrets import SecretLost
from workers.egress import EgressConfig, EgressError, EgressFailed, FetchLimits, fetch

logger = logging.getLogger(__name__)
# A redirect would take a signed answer to another address.
LIMITS: Final = FetchLimits(max_bytes=100_000, timeout_s=20.0, silence_s=10.0, max_redirects=0)


def deliver(egress: EgressConfig) -> None:
    """Send what is due, each once by whichever worker claims it."""
    for delivery_id in sending.due():
        if delivery := sending.claim(delivery_id):
            _send(delivery, egress)


def _send(delivery: Delivery, egress: EgressConfig) -> None:
    try:
        if delivery.kind == Delivery.Kind.MAIL:
            sending.send_mail(delivery)
        else:
            _post(delivery, egress)
    except (EgressError, SecretLost) as error:
        sending.failed(delivery, str(error))
    except OSError as error:  # smtplib's errors too; what a mail server says is for the operator
        logger.warning("the email %s was not sent: %s", delivery.id, error)
        sending.failed(delivery, "The mail server did not take it.")
    except Exception:
        logger.exception("the delivery %s failed", delivery.id)
        sending.failed(delivery, "Something went wrong. The error was logged.")
    else:
        sending.sent(delivery)


def _post(delivery: Delivery, egress: EgressConfig) -> None:
    request = sending.signed_request(delivery)
    response = fetch(
        request.url, egress, method="POST", headers=request.headers, content=request.content, limits=LIMITS
    )
    if not 200 <= response.status < 300:
        raise EgressFailed(f"The URL returned status {response.status}.")
