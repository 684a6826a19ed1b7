"""What schedules send: emails to their owner, and signed requests to URLs, once each, again after failures."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta

import pytest
from django.core.mail import EmailMessage
from django.utils import timezone

from gpts.safety.labels import untrusted
from tests.web.runs.trees import waits
from tests.web.schedules.conftest import DAILY, fall_due, next_run
from web.accounts.models_outbox import Delivery
from web.accounts.services import confirm
from web.runs.deletion import delete_conversation
from web.schedules import services, starting
from web.schedules.models import Schedule
from workers import deliveries
from workers.egress import EgressConfig

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sent_tasks")]


@pytest.fixture
def told(bob, gpt, receiver):
    """A schedule with that URL, and its signing key."""
    url = f"http://127.0.0.1:{receiver.server_port}/hook"
    schedule, given = services.create(bob, gpt, DAILY | {"callback_url": url})
    return schedule, given.signing_key


@pytest.fixture
def mailed(bob, gpt, settings):
    settings.EMAIL_HOST = "mail.example.org"
    confirm(bob)
    return services.create(bob, gpt, DAILY | {"mails": True})[0]


def come(delivery: Delivery) -> None:
    """As if the time of its next try had come."""
    Delivery.objects.filter(id=delivery.id).update(next_try=timezone.now() - timedelta(seconds=1))


def test_a_result_is_sent_once_and_its_signature_holds(told, receiver, egress):
    schedule, key = told
    run = next_run(schedule, "All is **well**.").run
    for _ in range(2):
        deliveries.deliver(egress)
    ((headers, body),) = receiver.got
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mac = hmac.new(base64.b64decode(key.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(mac).decode()}"
    sent = json.loads(body)
    assert sent["type"] == "schedule.finished"
    assert sent["data"]["text"] == "All is **well**."
    assert (sent["data"]["run"], sent["data"]["status"]) == (str(run.id), "completed")
    assert sent["data"]["origin"] == {"untrusted": False, "written_by": []}
    delivery = Delivery.objects.get()
    assert (delivery.next_try, delivery.error, bool(delivery.sent)) == (None, "", True)


def test_a_failed_answer_is_told_too(told, receiver, egress):
    next_run(told[0], "")
    deliveries.deliver(egress)
    data = json.loads(receiver.got[0][1])["data"]
    assert (data["status"], data["text"]) == ("failed", "It broke.")


@pytest.mark.parametrize("status", [500, 302, 404])
def test_it_is_tried_again_later_and_later_and_then_given_up(told, receiver, egress, status):
    receiver.status = status
    next_run(told[0])
    waited = []
    for _ in range(6):
        deliveries.deliver(egress)
        deliveries.deliver(egress)  # not yet
        delivery = Delivery.objects.get()
        waited.append(delivery.next_try and round((delivery.next_try - timezone.now()).total_seconds() / 60))
        come(delivery)
        if waited[-1] is None:
            Delivery.objects.update(next_try=None)
    deliveries.deliver(egress)
    assert waited == [1, 5, 30, 120, 480, None]
    assert len(receiver.got) == 6
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    delivery = Delivery.objects.get()
    assert str(status) in delivery.error or "redirects" in delivery.error
    assert delivery.sent is None


def test_a_worker_killed_while_it_sends_leaves_it_to_another(told, receiver, egress, monkeypatch):
    class Killed(BaseException):
        pass

    def killed(*_: object, **__: object) -> None:
        raise Killed

    next_run(told[0])
    with monkeypatch.context() as patch:
        patch.setattr(deliveries, "fetch", killed)
        with pytest.raises(Killed):
            deliveries.deliver(egress)
    deliveries.deliver(egress)
    assert receiver.got == []  # the claim lasts for a minute
    come(Delivery.objects.get())
    deliveries.deliver(egress)
    assert len(receiver.got) == 1


def test_two_workers_send_one(told, receiver, egress, monkeypatch):
    next_run(told[0])
    due = [Delivery.objects.get().id] * 2
    monkeypatch.setattr("web.accounts.outbox.due", lambda: due)
    Delivery.objects.update(next_try=timezone.now() + timedelta(hours=1))  # of one who was just claimed

    stale = Delivery.objects.get()
    Delivery.objects.update(n_tries=1)
    monkeypatch.setattr(Delivery.objects, "select_related", lambda *_: Stale(stale), raising=False)
    deliveries.deliver(egress)
    assert receiver.got == []


class Stale:
    """What a second worker had read before the first one claimed it."""

    def __init__(self, row: Delivery) -> None:
        self._row = row

    def filter(self, **_: object) -> "Stale":
        return self

    def exclude(self, **_: object) -> "Stale":
        return self

    def first(self) -> Delivery:
        return self._row


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/", "http://169.254.169.254/latest", "http://[::1]/", "http://a.internal/"]
)
def test_no_url_reaches_the_site_or_its_network(bob, gpt, url):
    schedule, _ = services.create(bob, gpt, DAILY | {"callback_url": "https://example.org/"})
    Schedule.objects.update(callback_url=url)  # which is refused when it is saved, but a name may lead there
    schedule.refresh_from_db()
    next_run(schedule)
    deliveries.deliver(EgressConfig())
    delivery = Delivery.objects.get()
    assert delivery.sent is None
    assert "allow" in delivery.error or "private" in delivery.error or "public" in delivery.error


@pytest.mark.parametrize("case", ["owner", "url", "chat"])
def test_nothing_is_sent_once_the_owner_may_or_wants_it_no_more(told, bob, receiver, egress, case):
    schedule, _ = told
    next_run(schedule)
    if case == "owner":
        bob.is_active = False
        bob.save()
    elif case == "url":
        services.change(schedule, {"callback_url": ""})
    else:
        schedule.refresh_from_db()
        delete_conversation(schedule.conversation)
    deliveries.deliver(egress)
    assert receiver.got == []
    assert Delivery.objects.get().next_try is None


def test_a_result_comes_by_mail_to_the_owner(mailed, mailoutbox, bob):
    next_run(mailed, "All is well.")
    deliveries.deliver(EgressConfig())
    (mail,) = mailoutbox
    assert (mail.to, mail.subject) == ([bob.email], "Morning")
    assert mail.body.startswith("All is well.\n")
    mailed.refresh_from_db()
    assert f"/c/{mailed.conversation_id}/" in mail.body


def test_a_mail_says_whose_text_from_outside_its_answer_rests_on(mailed, mailoutbox):
    next_run(mailed, "Pay at https://evil.example.", untrusted("the page evil.example"))
    deliveries.deliver(EgressConfig())
    assert "Parts come from outside (the page evil.example)" in mailoutbox[0].body


def test_the_owner_is_told_once_that_their_approval_is_needed(mailed, mailoutbox):
    fall_due(mailed)
    starting.work()
    waits(mailed.runs.get().run)
    for _ in range(2):
        starting.work()
        deliveries.deliver(EgressConfig())
    assert [mail.subject for mail in mailoutbox] == ["Morning: your approval is needed"]


def test_a_run_that_waits_for_approval_is_sent_once_to_the_url_too(told, receiver, egress):
    schedule, _ = told
    fall_due(schedule)
    starting.work()
    run = schedule.runs.get().run
    waits(run)
    for _ in range(2):
        starting.work()
        deliveries.deliver(egress)
    ((_, body),) = receiver.got
    sent = json.loads(body)
    assert (sent["type"], sent["data"]["run"]) == ("schedule.approval", str(run.id))
    assert [each["run"] for each in sent["data"]["approvals"]] == [str(run.id)]


def test_the_owner_is_told_that_it_paused_itself_also_without_wanting_results(mailed, mailoutbox, settings):
    services.change(mailed, {"mails": False})
    settings.MESSAGES_A_DAY = 0
    for _ in range(starting.MAX_FAILED):
        next_run(mailed)
    deliveries.deliver(EgressConfig())
    (mail,) = mailoutbox
    assert mail.subject == "Morning was paused"
    assert "messages a day" in mail.body


def test_a_mail_that_could_not_be_sent_comes_later(mailed, mailoutbox, monkeypatch):
    def refuse(_: EmailMessage) -> None:
        raise ConnectionRefusedError

    next_run(mailed)
    with monkeypatch.context() as patch:
        patch.setattr(EmailMessage, "send", refuse)
        deliveries.deliver(EgressConfig())
    delivery = Delivery.objects.get()
    assert (delivery.error, delivery.sent) == ("The mail server did not take it.", None)
    come(delivery)
    deliveries.deliver(EgressConfig())
    assert len(mailoutbox) == 1


def test_the_key_is_encrypted_for_its_row(told):
    schedule, key = told
    schedule.refresh_from_db()
    assert key not in schedule.callback_secret
    assert key.removeprefix("whsec_") not in schedule.callback_secret


def test_an_account_that_is_given_to_its_person_loses_what_a_stranger_scheduled(told, bob):
    confirm(bob)
    assert not bob.schedules.exists()
