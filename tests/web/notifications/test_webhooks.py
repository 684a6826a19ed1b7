"""Webhooks of creators and operators: signed calls about chosen events, with ids only, tried again and stopped."""

import base64
import hashlib
import hmac
import json
import re
import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from gpts.runs.steps import ApprovalRequest
from tests.publishing import publish
from tests.web.api.conftest import bearer, key_of
from tests.web.conftest import Receiver
from tests.web.schedules.conftest import DAILY
from tests.web.store.use import use
from web.accounts import audit, outbox, people, webhooks
from web.accounts.models_outbox import Delivery, Webhook
from web.builder.files import add_file, file_became_ready
from web.builder.services import create_gpt
from web.builder.stewardship import transfer
from web.moderation import cases
from web.runs import log
from web.runs.services import start_conversation, start_run
from web.schedules import services as schedules
from web.store import reviews
from workers import deliveries
from workers.egress import EgressConfig

JSON = {"content_type": "application/json"}
WORDS = "zq-words-of-a-person"


def url_of(receiver: Receiver) -> str:
    return f"http://127.0.0.1:{receiver.server_port}/hook"


def got(receiver: Receiver, key: str) -> list[tuple[str, dict]]:
    """Type and data of each call, of which the signature holds; none is kept."""
    calls = []
    for headers, body in receiver.got:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        mac = hmac.new(base64.b64decode(key.removeprefix("whsec_")), signed, hashlib.sha256).digest()
        assert headers["webhook-signature"] == f"v1,{base64.b64encode(mac).decode()}"
        assert WORDS not in body.decode()
        sent = json.loads(body)
        calls.append((sent["type"], sent["data"]))
    receiver.got.clear()
    return calls


def key_in(html: str) -> str:
    return re.search(r"whsec_[\w+/=]+", html).group()


def come() -> None:
    """As if the next try of all that waits had come."""
    Delivery.objects.exclude(next_try=None).update(next_try=timezone.now() - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1/hook", "The address 127.0.0.1 isn't on the public internet."),
        ("https://[fd00::1]/hook", "The address fd00::1 isn't on the public internet."),
        ("https://169.254.169.254/latest", "The address 169.254.169.254 isn't on the public internet."),
        ("https://localhost/hook", "localhost isn't on the public internet."),
        ("https://ci.corp/hook", "ci.corp isn't on the public internet."),
        ("https://example.org:8443/hook", "Port 8443 isn't allowed, only 80 and 443."),
        ("https://me:word@example.org/hook", "Addresses with a user name or password can't be opened."),
        ("file:///etc/passwd", "Enter a full URL, such as https://example.org/hook."),
    ],
)
def test_an_address_that_the_site_may_not_call_is_refused_when_it_is_saved(
    alice, bob, gpt, oscar, settings, url, why
):
    sent = {"url": url, "events": ["review.left"]}
    answer = bearer(key_of(alice)).post(f"/api/gpts/{gpt.slug}/webhooks", sent, **JSON)
    assert (answer.status_code, answer.json()["detail"]) == (422, f"url: {why}")
    for gpt_or_site, events in ((gpt, ["review.left"]), (None, ["person.created"])):
        with pytest.raises(ValidationError, match=re.escape(why)):
            webhooks.create(gpt_or_site, url, events, alice)
    with pytest.raises(ValidationError, match=re.escape(why)):
        schedules.create(bob, gpt, DAILY | {"callback_url": url})
    settings.EGRESS_ALLOW = ("127.0.0.1", "ci.corp")
    if "127.0.0.1" in why or "ci.corp" in url:
        webhooks.create(gpt, url, ["review.left"], alice)


def test_a_creators_webhook_from_its_form_to_its_end(client, gpt, alice, bob, charlie, oscar, receiver, egress):
    page = "/gpts/pump-doctor/webhooks/"
    client.force_login(alice)
    refused = client.post(page, {"url": "ftp://x", "events": ["review.left"]})
    assert "Enter a full URL" in refused.content.decode()
    assert "Choose what it is told of." in client.post(page, {"url": url_of(receiver)}).content.decode()
    made = client.post(page, {"url": url_of(receiver), "events": ["review.left", "report.decided", "gpt.published"]})
    key, hook = key_in(made.content.decode()), Webhook.objects.get()
    own = f"{page}{hook.id}/"
    assert key not in client.get(own).content.decode()
    assert key not in hook.secret

    use(bob, gpt)
    review = reviews.give(gpt, bob, 4, WORDS)
    reviews.answer(alice, review.pk, WORDS)  # of which it is not told
    case = cases.report(bob, {"gpt": gpt, "owner": alice}, "other", WORDS).case
    cases.decide(case, "unlist", WORDS, oscar)
    publish(gpt)
    deliveries.deliver(egress)
    of_gpt = {"gpt": {"id": str(gpt.id), "slug": "pump-doctor"}}
    assert sorted(got(receiver, key)) == [
        ("gpt.published", of_gpt | {"version": gpt.versions.filter(number__gt=0).count()}),
        ("report.decided", of_gpt | {"decision": str(case.id), "kind": "unlist"}),
        ("review.left", of_gpt | {"review": str(review.pk), "stars": 4}),
    ]

    assert "Sent within seconds" in client.post(f"{own}test", follow=True).content.decode()
    key = key_in(client.post(f"{own}secret").content.decode())
    deliveries.deliver(egress)
    assert got(receiver, key) == [("test", of_gpt)]
    program, other = bearer(key_of(alice)), bearer(key_of(charlie))
    listed = program.get(f"/api{own}deliveries").json()["items"]
    assert [(each["event"], each["state"]) for each in listed][:1] == [("test", "sent")]
    assert len(listed) == 4
    assert other.get(f"/api{own}deliveries").status_code == 404
    changed = program.patch(f"/api{own[:-1]}", {"events": ["source.failed"], "stopped": True}, **JSON).json()
    assert (changed["events"], bool(changed["stopped"])) == (["source.failed"], True)
    assert "Resume it first." in client.post(f"{own}test", follow=True).content.decode()
    client.post(f"{own}resume")
    transfer(gpt, bob, oscar)
    assert not Webhook.objects.exists()


def test_a_webhook_is_told_when_files_are_read_and_when_a_run_of_its_creator_waits(gpt, alice, bob, receiver, egress):
    events = ["files.ready", "run.requires_action"]
    _, key = webhooks.create(gpt, url_of(receiver), events, alice)
    one, other = (add_file(gpt, name, [name.encode()]) for name in ("a.txt", "b.txt"))
    for file in (one, other):
        file.status = file.Status.READY
        file.save()
        file_became_ready(file)
    ask = ApprovalRequest(call_id="call_0", name="send", digest="d")
    asked = [start_run(start_conversation(person, gpt), "Send it") for person in (alice, bob)]
    for run in asked:
        log.append(run.id, ask)
    deliveries.deliver(egress)
    of_gpt = {"gpt": {"id": str(gpt.id), "slug": "pump-doctor"}}
    assert sorted(got(receiver, key), key=str) == [
        ("files.ready", of_gpt | {"n_ready": 2, "n_others": 0}),
        ("run.requires_action", of_gpt | {"run": str(asked[0].id)}),
    ]


def test_an_operators_webhook_is_told_of_chosen_acts_by_ids(client, gpt, bob, oscar, receiver, egress):
    client.force_login(oscar)
    new = {"url": url_of(receiver), "events": ["person.suspended", "report.filed", "backup.failed"]}
    made = client.post("/admin/accounts/webhook/add/", new, follow=True).content.decode()
    key, hook = key_in(made), Webhook.objects.get(gpt=None)
    case = cases.report(bob, {"gpt": gpt, "owner": gpt.owner}, "other", WORDS).case
    people.suspend(bob, oscar)
    publish(gpt)
    deliveries.deliver(egress)
    calls = dict(got(receiver, key))
    assert set(calls) == {"report.filed", "person.suspended"}
    filed, suspended = calls["report.filed"], calls["person.suspended"]
    assert filed["about"] == {"kind": "case", "id": str(case.id)}
    assert (filed["by"], filed["facts"]) == (bob.pk, {"reason": "other"})
    assert (suspended["by"], suspended["about"]) == (oscar.pk, {"kind": "user", "id": str(bob.pk)})
    shown = client.get(f"/admin/accounts/webhook/{hook.id}/change/").content.decode()
    assert "person.suspended" in shown
    client.post(f"/admin/accounts/webhook/{hook.id}/act/secret/")
    client.post(f"/admin/accounts/webhook/{hook.id}/act/test/")
    deliveries.deliver(egress)
    with pytest.raises(AssertionError):  # the old key signs nothing any more
        got(receiver, key)
    admin = bearer(key_of(oscar, may_approve=True))
    assert admin.get("/api/operate/webhooks").json()["items"][0]["url"] == url_of(receiver)
    assert admin.delete(f"/api/operate/webhooks/{hook.id}").status_code == 204
    hows = [row.facts["how"] for row in audit.AuditRow.objects.filter(act=audit.Act.WEBHOOK_CHANGED).order_by("id")]
    assert hows == ["added", "secret", "removed"]


def test_one_that_fails_for_long_stops_with_its_reason_and_one_that_works_again_does_not(
    client, gpt, alice, receiver, egress
):
    hook, _ = webhooks.create(gpt, url_of(receiver), ["review.left"], alice)
    receiver.status = 500
    for _ in range(outbox.MOST_FAILED):
        outbox.tell_webhooks("review.left", gpt.pk)
        come()
        deliveries.deliver(egress)
    hook.refresh_from_db()
    assert (hook.stopped, hook.n_failed >= outbox.MOST_FAILED) == (None, True)  # a break of some minutes
    receiver.status = 204
    webhooks.test(hook, alice)
    deliveries.deliver(egress)
    hook.refresh_from_db()
    assert (hook.n_failed, hook.failing) == (0, None)

    receiver.status = 500
    Webhook.objects.update(n_failed=outbox.MOST_FAILED - 1, failing=timezone.now() - outbox.FAILING)
    come()
    deliveries.deliver(egress)
    hook.refresh_from_db()
    assert hook.stopped
    assert not Delivery.objects.exclude(next_try=None).exists()
    client.force_login(alice)
    page = client.get(f"/gpts/pump-doctor/webhooks/{hook.id}/").content.decode()
    assert "tries in a row failed" in page
    assert "The URL returned status 500." in page
    n = Delivery.objects.count()
    outbox.tell_webhooks("review.left", gpt.pk)
    assert Delivery.objects.count() == n


def test_webhooks_of_one_persons_many_gpts_leave_others_their_turn(alice, bob):
    for owner, n_gpts in ((alice, 6), (bob, 1)):
        for number in range(n_gpts):
            own = create_gpt(owner, {"name": f"GPT {number}"})
            for each in range(2):
                hook, _ = webhooks.create(own, f"https://example.org/{each}", ["review.left"], owner)
                for _ in range(4):
                    outbox.test(hook)
    due = Counter(Delivery.objects.filter(id__in=outbox.due()).values_list("webhook__gpt__owner", flat=True))
    assert due == {alice.id: 12, bob.id: 8}


def test_tests_of_a_webhook_that_wait_are_bounded(gpt, alice, monkeypatch):
    monkeypatch.setattr(outbox, "MOST_WAITING", 2)
    hook, _ = webhooks.create(gpt, "https://example.org/", ["review.left"], alice)
    for _ in range(2):
        outbox.test(hook)
    with pytest.raises(ValidationError, match="too many requests in progress"):
        outbox.test(hook)


def test_a_slow_url_delays_no_other_and_much_of_one_leaves_room(gpt, alice, receiver, settings):
    class Waiting(Receiver):
        """Answers once the other has its call."""

        def finish_request(self, request, client_address) -> None:
            assert arrived.wait(10)
            super().finish_request(request, client_address)

    class Arriving(list):
        def append(self, call) -> None:
            super().append(call)
            arrived.set()

    arrived = threading.Event()
    receiver.got = Arriving()
    with Waiting() as slow:
        threading.Thread(target=slow.serve_forever, args=(0.02,), daemon=True).start()
        allow = settings.EGRESS_ALLOW = tuple(f"127.0.0.1:{each.server_port}" for each in (slow, receiver))
        first, _ = webhooks.create(gpt, url_of(slow), ["review.left"], alice)
        for _ in range(50):
            outbox.test(first)
        last, _ = webhooks.create(gpt, url_of(receiver), ["review.left"], alice)
        outbox.test(last)
        due = Delivery.objects.filter(id__in=outbox.due())
        assert (due.filter(webhook=first).count(), due.filter(webhook=last).count()) == (4, 1)
        deliveries.deliver(EgressConfig(allow=allow), within_s=0)
        assert (len(slow.got), len(receiver.got)) == (4, 1)
        slow.shutdown()


def test_a_worker_killed_after_sending_sends_the_same_id_again(gpt, alice, receiver, egress, monkeypatch):
    class Killed(BaseException):
        pass

    def killed(_: Delivery) -> None:
        raise Killed

    hook, _ = webhooks.create(gpt, url_of(receiver), ["review.left"], alice)
    outbox.test(hook)
    with monkeypatch.context() as patch:
        patch.setattr(outbox, "sent", killed)
        with pytest.raises(Killed):
            deliveries.deliver(egress)
    come()
    for _ in range(2):
        deliveries.deliver(egress)
        come()
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    assert len(receiver.got) == 2


def test_no_webhook_reaches_the_sites_own_network(gpt, alice):
    hook, _ = webhooks.create(gpt, "https://example.org/latest", ["review.left"], alice)
    Webhook.objects.update(url="http://169.254.169.254/latest")  # as a name would lead there
    outbox.test(hook)
    deliveries.deliver(EgressConfig())
    assert re.search("allow|private|public", Delivery.objects.get().error)
