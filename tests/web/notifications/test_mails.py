"""Emails about what happened: who gets which, once, how they stop them, and what a site without mail says."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone, translation

from tests.publishing import publish
from tests.web.api.conftest import bearer, key_of
from tests.web.runs.trees import waits
from tests.web.store.use import use
from web.accounts import people
from web.accounts.models_audit import Act, AuditRow
from web.accounts.models_outbox import Delivery
from web.accounts.services import confirm, rename
from web.builder import shares
from web.moderation import cases
from web.notifications import watching
from web.operate.backup import planned
from web.runs import feedback, services, stream
from web.runs.models import Run, StepRow
from web.store import reviews
from workers import deliveries
from workers.egress import EgressConfig

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sent_tasks")]
JSON = {"content_type": "application/json"}


@pytest.fixture(autouse=True)
def mail(settings, alice, bob) -> None:
    settings.EMAIL_HOST = "mail.example.org"
    confirm(alice)
    confirm(bob)


def mails(outbox: list) -> list[tuple[str, str]]:
    """To whom what was sent since the last time."""
    for _ in range(2):
        deliveries.deliver(EgressConfig())
    sent = [(each.to[0].partition("@")[0], each.subject) for each in outbox]
    outbox.clear()
    return sent


def later(hours: float) -> None:
    """As if time had passed for what waits and what was sent."""
    by = timedelta(hours=hours)
    for row in Delivery.objects.all():
        row.created -= by
        row.sent, row.next_try = row.sent and row.sent - by, row.next_try and row.next_try - by
        row.save()


def test_a_digest_of_opinions_comes_at_most_once_a_day(gpt, alice, bob, charlie, mailoutbox):
    alice.language = "de"
    alice.save()
    publish(gpt)
    for person in (bob, charlie):
        use(person, gpt)
        reviews.give(gpt, person, 4, "Good")
    feedback.give(Run.objects.filter(owner=bob).first(), True)
    assert mails(mailoutbox) == []
    later(0.3)
    deliveries.deliver(EgressConfig())
    (sent,) = mailoutbox
    with translation.override("de"):
        assert sent.subject == "Was andere von Ihren GPTs halten"
        line = translation.gettext("{name}: {reviews} reviews, {ratings} rated answers")
        assert sent.body.startswith(line.format(name=gpt.live.name, reviews=2, ratings=1))
    mailoutbox.clear()
    reviews.give(gpt, bob, 2, "Bad")
    later(20)
    assert mails(mailoutbox) == []
    later(5)
    assert [who for who, _ in mails(mailoutbox)] == ["alice"]


def test_people_are_told_of_shares_decisions_and_approvals_and_operators_of_reports(
    gpt, conversation, alice, bob, charlie, oscar, mailoutbox
):
    publish(gpt)
    rename(alice, "Ali\u202ece")
    shares.share(gpt, "chat", email=bob.email)
    shares.share(gpt, "view", email=bob.email)
    shares.share(gpt, "chat", email=charlie.email)  # whose address nobody has confirmed
    assert mails(mailoutbox) == [("bob", "Alice shared Pump Doctor with you")]
    group = Group.objects.create(name="7b")
    group.user_set.add(alice, bob, charlie, oscar)
    oscar.emailaddress_set.create(email=oscar.email, verified=True)
    alice.groups.add(group)
    shares.share(gpt, "chat", group=group.pk)  # of which Bob knows already
    assert mails(mailoutbox) == [("oscar", "Alice shared Pump Doctor with you")]
    case = cases.report(bob, {"gpt": gpt, "owner": alice}, "other", "Bad").case
    cases.report(charlie, {"gpt": gpt, "owner": alice}, "other", "Bad")
    cases.decide(case, "unlist", "Wrong seals.", oscar)
    cases.appeal(alice, case.pk, "No.")
    cases.answer_appeal(case, grants=True, note="Right.", by=oscar)
    assert sorted(mails(mailoutbox)) == [
        ("alice", "A decision about Pump Doctor"),
        ("alice", "Your appeal: Pump Doctor"),
        *[("oscar", "A report or an appeal waits for a decision.")] * 2,
    ]

    run = services.start_run(conversation, "Call it.")
    waits(run)
    watching.approvals()
    assert mails(mailoutbox) == []  # it has just asked
    StepRow.objects.update(created=timezone.now() - watching.WAITS)
    for _ in range(2):
        watching.approvals()
    assert mails(mailoutbox) == [("bob", "Pump Doctor: your approval is needed")]


def test_each_kind_is_stopped_by_its_link_signed_out_or_in_the_account(client, gpt, alice, bob, oscar, mailoutbox):
    shares.share(gpt, "chat", email=bob.email)
    publish(gpt)
    deliveries.deliver(EgressConfig())
    (sent,) = mailoutbox
    link = re.search(r"/notifications/stop/[^/\s]+/", sent.body).group()
    assert link in sent.extra_headers["List-Unsubscribe"]
    strict = Client(enforce_csrf_checks=True)
    assert "Stop these emails?" in strict.get(link).content.decode()
    bob.refresh_from_db()
    assert bob.notifications_off == []
    assert "You no longer get emails" in strict.post(link, {"List-Unsubscribe": "One-Click"}).content.decode()
    bob.refresh_from_db()
    assert bob.notifications_off == ["shares"]
    assert strict.get(link[:-2] + "x/").status_code == 410

    program = bearer(key_of(bob))
    there = {"kinds": ["decisions", "feedback", "approvals", "schedules", "shares"]}
    assert program.get("/api/account/notifications").json() == {**there, "wanted": there["kinds"][:-1]}
    assert program.put("/api/account/notifications", {"wanted": ["backups"]}, **JSON).status_code == 422
    client.force_login(oscar)
    client.post("/account/notifications/", {"wanted": ["backups", "shares"]})
    oscar.refresh_from_db()
    assert "reports" in oscar.notifications_off
    cases.report(bob, {"gpt": gpt, "owner": alice}, "other", "Bad")
    assert not Delivery.objects.filter(person=oscar).exists()


def test_a_site_without_mail_says_so_and_keeps_nothing_to_send(client, gpt, bob, settings):
    settings.EMAIL_HOST = ""
    shares.share(gpt, "chat", email=bob.email)
    assert not Delivery.objects.exists()
    client.force_login(bob)
    page = client.get("/account/notifications/").content.decode()
    assert "This site can’t send email." in page
    assert "Backups that failed" not in page


@pytest.mark.usefixtures("with_valkey")
def test_operators_are_told_of_failed_backups_and_of_workers_that_stay_away(oscar, settings, tmp_path, mailoutbox):
    settings.BACKUP_DIR, settings.BACKUP_PASSPHRASE = tmp_path / "backups", "short"
    planned.work()
    assert mails(mailoutbox) == [("oscar", "A backup failed")]
    stream.announce_tools({}, {})
    for _ in range(watching.LOOKS - 1):
        watching.queues()
    assert not AuditRow.objects.filter(about_id="model").exists()
    for _ in range(3):
        watching.queues()
    assert mails(mailoutbox) == [("oscar", "No worker of the queue “model” has announced itself for minutes.")]
    stream.announce_model("bundled")
    watching.queues()
    about = AuditRow.objects.filter(about_id="model").order_by("id")
    assert [row.act for row in about] == [Act.WORKER_AWAY, Act.QUEUE_WELL]
    assert not AuditRow.objects.filter(about_id="tools").exists()


def test_a_suspended_person_reads_why_and_appeals_once_by_the_link_in_the_mail_or_after_their_password(
    client, gpt, alice, bob, oscar, mailoutbox
):
    alice.set_password("a long password of hers")
    alice.save()
    other = cases.report(bob, {"gpt": gpt, "owner": alice}, "other", "Bad").case
    cases.decide(other, "unlist", "An older note.", oscar)
    case = cases.report(bob, {"gpt": gpt, "owner": alice}, "other", "Bad").case
    cases.decide(case, "suspend", "Again and again.", oscar)
    deliveries.deliver(EgressConfig())
    bodies = [each.body for each in mailoutbox if each.to == [alice.email]]
    mailed = [re.search(r"http://[^/]+(/decisions/\S+)", each) for each in bodies]
    assert all(mailed)

    wrong = client.post("/account/login/", {"login": alice.email, "password": "wrong"})
    assert "/decisions/" not in wrong.get("Location", "") + wrong.content.decode()
    right = client.post("/account/login/", {"login": alice.email, "password": "a long password of hers"})
    link = re.sub("^http://[^/]+", "", right["Location"])
    assert "_auth_user_id" not in client.session
    for path in (link, mailed[0].group(1)):
        page = Client().get(path).content.decode()
        assert "Again and again." in page
        assert "An older note." not in page
    assert client.get("/account/decisions/")["Location"].startswith("/account/login/")
    assert Client().post(link, {"decision": str(other.pk), "text": "Not this one"}).status_code == 404
    for text in ("I did not.", "Once more."):
        client.post(link, {"decision": str(case.pk), "text": text})
    case.refresh_from_db()
    assert case.appeal == "I did not."
    cases.answer_appeal(case, grants=True, note="Sorry.", by=oscar)
    assert "Your account is active" in client.get(link).content.decode()
    assert client.get("/decisions/forged/").status_code == 410

    people.suspend(bob, oscar)  # by hand, without a decision to appeal
    bob.refresh_from_db()
    bob.set_password("a long password of his")
    bob.save()
    refused = client.post("/account/login/", {"login": bob.email, "password": "a long password of his"}, follow=True)
    assert "Ask the admins of this site why." in refused.content.decode()


def test_an_invitation_is_sent_to_addresses_that_nothing_keeps(client, oscar, mailoutbox, settings):
    client.force_login(oscar)
    form = {"name": "Class", "most": "2", "expires_0": "2030-01-01", "expires_1": "00:00"}
    page = "/admin/accounts/invitation/add/"
    assert "Enter a valid email" in client.post(page, {**form, "send_to": "nobody"}).content.decode()
    assert (
        "These are 3 addresses" in client.post(page, {**form, "send_to": "a@b.org c@b.org d@b.org"}).content.decode()
    )
    client.post(page, {**form, "send_to": "Dana@example.org, eve@example.org"})
    admin = bearer(key_of(oscar, may_approve=True))
    more = {"name": "Late", "send_to": ["finn@example.org"]}
    gone = admin.post("/api/operate/invitations", more, **JSON).json()
    admin.delete(f"/api/operate/invitations/{gone['id']}")
    deliveries.deliver(EgressConfig())
    assert sorted(each.to[0] for each in mailoutbox) == ["dana@example.org", "eve@example.org"]
    link = re.search(r"/join/\S+", mailoutbox[0].body).group()
    assert Client().get(link).status_code == 200
    assert [row.facts for row in Delivery.objects.all()] == [{}] * 3
    settings.EMAIL_HOST = ""
    assert admin.post("/api/operate/invitations", more, **JSON).status_code == 422
