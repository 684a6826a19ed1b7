"""Sends what waits in the outbox: emails, and signed requests through the guarded client.

All that is due is sent at once, so that somebody's slow URL delays nobody else's: the longest takes TIMEOUT_S. The
threads do nothing but send; rows are read and changed here.
"""

import logging
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from time import monotonic
from typing import Final

from django.core.mail import EmailMessage

from web.accounts import mailing, outbox
from web.accounts.models_outbox import Delivery
from web.notifications import mails
from web.schedules import sending
from web.secrets import SecretLost
from workers.egress import EgressConfig, EgressError, EgressFailed, FetchLimits, fetch

logger = logging.getLogger(__name__)
TIMEOUT_S: Final = 20.0
UNEXPECTED: Final = "Something went wrong. The error was logged."
# A redirect would take a signed answer to another address.
LIMITS: Final = FetchLimits(max_bytes=100_000, timeout_s=TIMEOUT_S, silence_s=10.0, max_redirects=0)


def deliver(egress: EgressConfig, within_s: float = 8.0) -> bool:
    """Send what is due, each once by whichever worker claims it, in rounds that begin within so many seconds.

    Whether more may be due.
    """
    end = monotonic() + within_s
    while (is_more := _send_some(egress)) and monotonic() < end:
        pass
    return is_more


def _send_some(egress: EgressConfig) -> bool:
    """Send a few of everybody's. Whether there were any."""
    claimed = [row for each in outbox.due() if (row := outbox.claim(each))]
    ready = [(row, what) for row in claimed if (what := _of(row))]
    if not ready:
        return bool(claimed)
    with ThreadPoolExecutor(len(ready), "deliver") as threads:
        sent = {threads.submit(_send, what, egress): row for row, what in ready}
        for each in as_completed(sent):
            _note(sent[each], each)
    return True


def _of(delivery: Delivery) -> EmailMessage | outbox.SignedRequest | None:
    """What to send; None if it can't be said or is not wanted any more, which is noted."""
    try:
        if delivery.scheduled:
            return sending.composed(delivery)
        return outbox.call_of(delivery) if delivery.webhook else mails.composed(delivery)
    except outbox.Unwanted as reason:
        outbox.end(delivery, str(reason))
    except SecretLost as error:
        outbox.failed(delivery, str(error))
    except Exception:
        logger.exception("the delivery %s failed", delivery.id)
        outbox.failed(delivery, UNEXPECTED)
    return None


def _send(what: EmailMessage | outbox.SignedRequest, egress: EgressConfig) -> None:
    if isinstance(what, EmailMessage):
        what.send()
        return
    response = fetch(what.url, egress, method="POST", headers=what.headers, content=what.content, limits=LIMITS)
    if not 200 <= response.status < 300:
        raise EgressFailed(f"The URL returned status {response.status}.")


def _note(delivery: Delivery, done: "Future[None]") -> None:
    """Note what became of it."""
    try:
        done.result()
    except EgressError as error:
        outbox.failed(delivery, str(error))
    except OSError as error:  # smtplib's errors too; what a mail server says is for the operator
        logger.warning("the email %s was not sent: %s", delivery.id, error)
        mailing.note_failure(error)
        outbox.failed(delivery, "The mail server did not take it.")
    except Exception:
        logger.exception("the delivery %s failed", delivery.id)
        outbox.failed(delivery, UNEXPECTED)
    else:
        outbox.sent(delivery)
        if not delivery.webhook and delivery.kind == Delivery.Kind.MAIL:
            mailing.note_sent()
