"""Reports, decisions and appeals: from a person's report to what its owner reads, by pages and over /api."""

import pytest
from django.core.exceptions import ValidationError

from tests.publishing import publish
from tests.web.api.conftest import bearer, key_of
from tests.web.store.use import use
from web.accounts.models import User
from web.accounts.models_audit import Act, AuditRow
from web.builder.models_access import Sharing
from web.builder.services import set_sharing
from web.moderation import cases
from web.moderation.models import Case, Report
from web.runs import sharing
from web.runs.services import cancel_run
from web.store import reviews

JSON = {"content_type": "application/json"}


def test_a_gpt_is_reported_unlisted_appealed_and_listed_again(client, gpt, alice, bob, charlie, oscar):
    client.force_login(bob)
    assert "/g/pump-doctor/report" in client.get("/g/pump-doctor/").content.decode()
    refused = client.post("/g/pump-doctor/report", {"text": "Bad <b>advice</b>"})
    assert "Choose a reason." in refused.content.decode()
    sent = client.post("/g/pump-doctor/report", {"reason": "harmful", "text": "Bad <b>advice</b>"}, follow=True)
    assert "Reported to the admins" in sent.content.decode()
    bearer(key_of(bob)).post("/api/reports", {"kind": "gpt", "id": "pump-doctor", "reason": "deceptive"}, **JSON)
    bearer(key_of(charlie)).post("/api/reports", {"kind": "gpt", "id": "pump-doctor", "reason": "other"}, **JSON)
    case = Case.objects.get()
    assert [each.reason for each in case.reports.all()] == ["deceptive", "other"]

    admin = bearer(key_of(oscar, may_approve=True))
    waiting = admin.get("/api/operate/reports").json()["items"]
    assert [(each["kind"], each["title"], len(each["reports"])) for each in waiting] == [("gpt", "Pump Doctor", 2)]
    client.force_login(oscar)
    assert "1 report or appeal waits for a decision." in client.get("/admin/").content.decode()
    page = client.get(f"/admin/moderation/case/{case.id}/change/").content.decode()
    assert "bob@example.org" in page
    assert "Withdrawn from the store" in page
    client.post(f"/admin/moderation/case/{case.id}/act/decision/", {"decision": "unlist", "note": "Wrong seals."})
    client.force_login(charlie)
    assert client.get("/g/pump-doctor/").status_code == 404

    client.force_login(alice)
    assert "Read the decision" in client.get("/gpts/").content.decode()
    told = client.get("/account/decisions/").content.decode()
    assert "Read the decision" not in client.get("/gpts/").content.decode()
    assert "Wrong seals." in told
    assert "bob" not in told.lower()
    with pytest.raises(ValidationError, match="withdrawn this GPT from the store"):
        set_sharing(type(gpt).objects.get(id=gpt.id), Sharing.STORE, by=gpt.owner)
    appeal = f"/account/decisions/{case.id}/appeal"
    client.post(appeal, {"text": "The seals are right."})
    assert "appealed already" in client.post(appeal, {"text": "Again"}, follow=True).content.decode()
    assert bearer(key_of(bob)).post(f"/api{appeal}", {"text": "Not mine"}, **JSON).status_code == 404

    path = f"/api/operate/reports/{case.id}/appeal"
    assert admin.post(path, {"granted": True, "note": "You are right."}, **JSON).json()["state"] == "closed"
    assert "You are right." in client.get("/account/decisions/").content.decode()
    client.force_login(charlie)
    assert client.get("/g/pump-doctor/").status_code == 200
    assert list(cases.queue()) == []
    acts = set(AuditRow.objects.values_list("act", flat=True))
    assert acts >= {Act.REPORT_FILED, Act.REPORT_DECIDED, Act.REPORT_APPEALED, Act.REPORT_ANSWERED}


@pytest.mark.parametrize(
    ("before", "meanwhile", "after"),
    [
        (Sharing.STORE, "", Sharing.STORE),
        (Sharing.STORE, Sharing.ME, Sharing.ME),  # the creator keeps it private by now
        (Sharing.LINK, "", Sharing.LINK),  # it never was in the store
    ],
)
def test_a_granted_appeal_lists_the_gpt_as_before(gpt, bob, oscar, before, meanwhile, after):
    publish(gpt, before)
    gpt.refresh_from_db()
    case = Case.objects.create(gpt=gpt, owner=gpt.owner)
    cases.decide(case, "unlist", "", oscar)
    gpt.refresh_from_db()
    assert gpt.sharing == Sharing.LINK
    if meanwhile:
        set_sharing(gpt, meanwhile, by=gpt.owner)
    cases.appeal(gpt.owner, case.id, "The seals are right.")
    cases.answer_appeal(Case.objects.get(id=case.id), grants=True, note="", by=oscar)
    gpt.refresh_from_db()
    assert (gpt.sharing, gpt.unlisted) == (after, None)


def test_every_decision_does_what_it_says_and_an_appeal_undoes_it(gpt, alice, bob, charlie, oscar, run):
    use(bob, gpt)
    review = reviews.give(gpt, bob, 1, "Terrible.")
    cancel_run(run)
    share = sharing.create(run.message.conversation, "people", run.id)
    state = {
        "gpt": lambda: gpt.withdrawn is not None,
        "review": lambda: review.hidden is not None,
        "chat": lambda: share.revoked is not None,
    }
    decided = {"gpt": "withdraw", "review": "remove", "chat": "remove"}
    for kind, row, key in (("review", review, str(review.id)), ("chat", share, share.token), ("gpt", gpt, gpt.slug)):
        cases.report(charlie, cases.access_thing(charlie, kind, key), "hate", "")
        case = cases.decide(Case.objects.get(decided=None), decided[kind], "", oscar)
        row.refresh_from_db()
        assert state[kind](), kind
        cases.appeal(case.owner, case.id, "No.")
        cases.answer_appeal(case, grants=True, note="", by=oscar)
        row.refresh_from_db()
        assert not state[kind](), kind
    publish(gpt, Sharing.STORE)
    cases.report(charlie, cases.access_thing(charlie, "gpt", gpt.slug), "hate", "")
    cases.decide(Case.objects.get(decided=None), "suspend", "", oscar)
    assert not User.objects.get(id=alice.id).is_active
    with pytest.raises(ValidationError, match="decided already"):
        cases.decide(Case.objects.latest("created"), "none", "", oscar)


def test_reports_are_limited_and_a_second_one_changes_the_first(gpt, alice, bob, monkeypatch):
    monkeypatch.setattr(cases, "MAX_A_DAY", 1)
    cases.report(bob, cases.access_thing(bob, "gpt", gpt.slug), "other", "")
    cases.report(bob, cases.access_thing(bob, "gpt", gpt.slug), "other", "again")  # changes the first
    assert Report.objects.get().text == "again"
    Case.objects.update(decided="2026-01-01T00:00Z", decision="none")
    with pytest.raises(ValidationError, match="1 things a day"):
        cases.report(bob, cases.access_thing(bob, "gpt", gpt.slug), "other", "")
    assert list(cases.decided_about(alice)) == []  # from which nothing followed
