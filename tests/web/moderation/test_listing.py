"""Review before listing: what waits, who may use it meanwhile, and what an admin's decision does."""

import pytest
from django.core.exceptions import ValidationError

from tests.web.api.conftest import bearer, key_of
from web.accounts import live_settings
from web.accounts.models import User
from web.accounts.models_audit import Act, AuditRow
from web.accounts.models_outbox import Delivery
from web.accounts.services import confirm
from web.builder import listing, shares, stewardship
from web.builder.models import Gpt
from web.builder.services import create_gpt, publish, set_sharing, update_gpt
from workers import deliveries
from workers.egress import EgressConfig

JSON = {"content_type": "application/json"}


@pytest.fixture(autouse=True)
def reviewed(oscar, settings, alice) -> None:
    settings.EMAIL_HOST = "mail.example.org"
    confirm(alice)
    live_settings.change("REVIEW_LISTINGS", True, oscar)


@pytest.fixture
def draft(alice) -> Gpt:
    return create_gpt(alice, {"name": "Seal Finder", "description": "Finds seals.", "instructions": "Find seals."})


def may_chat(person: User, gpt: Gpt) -> bool:
    return Gpt.objects.chattable_by(person).filter(id=gpt.id, published__isnull=False).exists()


def test_a_new_gpt_waits_is_sent_back_asked_again_and_listed(
    client, draft, alice, bob, charlie, oscar, mailoutbox, proven
):
    shares.share(draft, "chat", email=bob.email)
    client.force_login(alice)
    form = {"name": draft.name, "description": draft.description, "instructions": draft.instructions}
    form |= {"category": "work", "temperature": "0", "max_tokens": "300", "sharing": "store", "action": "publish"}
    sent = client.post(f"/gpts/{draft.slug}/edit", form, follow=True).content.decode()
    assert "An admin looks at version 1 before it appears in the store." in sent
    gpt = Gpt.objects.get(id=draft.id)
    assert (may_chat(bob, gpt), may_chat(charlie, gpt), may_chat(alice, gpt)) == (True, False, True)

    client.force_login(oscar)
    assert "1 GPT waits to be reviewed before listing." in client.get("/admin/").content.decode()
    review = listing.waiting(gpt)
    page = client.get(f"/admin/builder/listingreview/{review.pk}/change/").content.decode()
    assert "What it says" in page
    assert "Find seals." in page
    client.post(f"/admin/builder/listingreview/{review.pk}/decide/", {"decision": "back", "note": "Which seals?"})
    client.force_login(alice)
    assert "Which seals?" in client.get(f"/gpts/{gpt.slug}/edit").content.decode()

    program, admin = bearer(key_of(alice)), bearer(key_of(oscar, may_approve=True))
    program.post(f"/api/gpts/{gpt.slug}/publish", {"sharing": "store"}, **JSON)
    assert program.get(f"/api/gpts/{gpt.slug}/listing").json()["state"] == "waiting"
    (waits,) = admin.get("/api/operate/listings").json()["items"]
    assert (waits["gpt"], waits["version"], waits["hosts"], waits["owner"]) == (gpt.slug, 2, [], alice.pk)
    decided = admin.post(f"/api/operate/listings/{waits['id']}/decision", {"approved": True}, **JSON).json()
    assert decided["state"] == "approved"
    gpt.refresh_from_db()
    assert (gpt.sharing, gpt.published.number, may_chat(charlie, gpt)) == ("store", 2, True)
    assert admin.post(f"/api/operate/listings/{waits['id']}/decision", {"approved": False}, **JSON).status_code == 422
    acts = AuditRow.objects.filter(act__startswith="listing.").order_by("id").values_list("act", flat=True)
    assert list(acts) == [Act.LISTING_ASKED, Act.LISTING_DECIDED] * 2
    deliveries.deliver(EgressConfig())
    to = sorted((each.to[0].partition("@")[0], each.subject) for each in mailoutbox)
    assert to == [
        ("alice", "Seal Finder is in the store"),
        ("alice", "Seal Finder was not listed"),
        ("bob", "Alice shared Seal Finder with you"),
        *[("oscar", "A GPT waits to be reviewed before it is listed.")] * 2,
    ]


def test_what_is_listed_stays_until_the_next_version_is_approved(client, draft, alice, bob, charlie, oscar):
    publish(draft, "store", by=draft.owner)
    stewardship.decide_listing(listing.waiting(draft), True, "", oscar)
    gpt = Gpt.objects.select_related("published", "owner").get(id=draft.id)
    update_gpt(gpt, {"instructions": "Find seals for money."}, by=gpt.owner)
    publish(gpt, by=gpt.owner)
    gpt = Gpt.objects.select_related("published", "owner").get(id=draft.id)
    assert (gpt.published.number, may_chat(charlie, gpt)) == (1, True)
    first = listing.waiting(gpt)
    client.force_login(oscar)
    page = client.get(f"/admin/builder/listingreview/{first.pk}/change/").content.decode()
    assert "What changed since the listed version 1" in page
    assert "for money" in page
    publish(gpt, by=gpt.owner)  # instead of the one that waited
    with pytest.raises(ValidationError, match="withdrawn or changed"):
        stewardship.decide_listing(first, True, "", oscar)
    client.force_login(alice)
    client.post(f"/gpts/{gpt.slug}/listing/withdraw")
    gpt.refresh_from_db()
    assert (listing.waiting(gpt), gpt.published.number, gpt.sharing) == (None, 1, "store")
    publish(gpt, by=gpt.owner)
    set_sharing(gpt, "me", by=gpt.owner)
    assert listing.waiting(gpt) is None
    set_sharing(gpt, "store", by=gpt.owner)  # of a version that is published
    assert (listing.waiting(gpt).version_id, gpt.sharing) == (gpt.published_id, "me")


def test_an_admins_own_and_without_the_setting_nothing_waits(draft, oscar, alice):
    own = create_gpt(oscar, {"name": "Rules", "description": "Rules.", "instructions": "Say the rules."})
    publish(own, "store", by=own.owner)
    assert own.sharing == "store"
    live_settings.change("REVIEW_LISTINGS", False, oscar)
    publish(draft, "store", by=draft.owner)
    assert draft.sharing == "store"
    assert not Delivery.objects.filter(facts__has_key="listing").exists()
