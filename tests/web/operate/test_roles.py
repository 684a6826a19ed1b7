"""Which role opens which page of the console and of its API, and what moderators can and can't decide."""

import re
from pathlib import Path
from uuid import UUID

import pytest
from django.test import Client
from django.urls import resolve

from web.accounts import outbox
from web.accounts.models import User
from web.accounts.models_outbox import Delivery
from web.accounts.services import create_key
from web.moderation import cases
from web.moderation.models import Case
from web.notifications.kinds import kinds_for
from web.operate.access import PAGES, may_open
from web.store.models import Review

MATRIX = Path(__file__).parents[1] / "access_matrix.txt"
ROUTES = re.findall(r"^(/(?:admin|operate)/\S*) ", MATRIX.read_text(), flags=re.M)
# The whole of what moderators open, said a second time.
MODERATED = {
    "admin:index",
    "admin:jsi18n",
    "admin:moderation_case_changelist",
    "admin:moderation_case_change",
    "admin:case_act",
    "admin:builder_listingreview_changelist",
    "admin:builder_listingreview_change",
    "admin:listing_decide",
}


def address_of(route: str) -> str:
    """An address of the route, of things that are not there."""
    known = {"listing_id": UUID(int=1), "case_id": UUID(int=1), "gpt_id": UUID(int=1), "webhook_id": UUID(int=1)}
    known |= {"name": "x", "act": "x", "action": "use", "app_label": "auth", "url": "x"}
    return re.sub(r"<(\w+)>", lambda found: str(known.get(found[1], 1)), route)


@pytest.fixture
def people(db) -> dict[str, Client]:
    """The browsers of an admin, a moderator and a user."""
    made = {}
    for role, fields in {"admin": {"is_staff": True}, "moderator": {"is_moderator": True}, "user": {}}.items():
        made[role] = Client()
        made[role].force_login(User.objects.create_user(f"{role}@example.org", **fields))
    return made


def test_each_page_opens_for_its_roles_only(people):
    assert len(ROUTES) > 60
    seen = set()
    for route in ROUTES:
        address = address_of(route)
        page = resolve(address).view_name
        for method in ("get", "post"):
            got = {role: getattr(browser, method)(address).status_code for role, browser in people.items()}
            assert got["user"] == 404, (route, got)
            if page in MODERATED:
                seen.add(page)
                assert got["moderator"] == got["admin"] or page == "admin:index", (route, got)
            else:
                assert got["moderator"] == 404, (route, got)
            if "<" not in route and method == "get" and page != "admin:backup_restore":
                assert got["admin"] != 404, (route, got)
    assert seen == MODERATED


def test_the_table_opens_nothing_else(people):
    moderator = User.objects.get(is_moderator=True)
    api = {"list_reports", "decide_report", "answer_appeal", "list_listings", "decide_listing"}
    api |= {"list_reported_reviews", "hide_review"}
    assert {name for names in PAGES.values() for name in names if name.startswith("api:")} == {
        f"api:{n}" for n in api
    }
    moderator.is_active = False
    assert not may_open(moderator, "admin:index")


def test_a_moderator_starts_with_the_reports_and_sees_only_their_pages(people):
    page = people["moderator"].get("/admin/", follow=True)
    assert page.redirect_chain[0][0] == "/admin/moderation/case/"
    links = set(re.findall(r'href="(/(?:admin|operate)/[^"?]*)"', page.text))
    assert {"/admin/moderation/case/", "/admin/builder/listingreview/"} <= links
    assert not [link for link in links if people["moderator"].get(link, follow=True).status_code == 404]
    assert "Moderation" in people["moderator"].get("/").text
    assert "Moderation" not in people["user"].get("/").text


def test_a_moderator_decides_reports_but_suspends_nobody(people, gpt, bob):
    case = cases.report(bob, {"gpt": gpt, "owner": gpt.owner}, "hate", "Look").case
    browser, act = people["moderator"], f"/admin/moderation/case/{case.pk}/act/decision/"
    page = browser.get(f"/admin/moderation/case/{case.pk}/change/").text
    assert 'value="withdraw"' in page
    assert 'value="suspend"' not in page
    browser.post(act, {"decision": "suspend"})
    case.refresh_from_db()
    assert case.decided is None
    browser.post(act, {"decision": "unlist", "note": "Not here."})
    case.refresh_from_db()
    assert (case.decision, case.by) == ("unlist", User.objects.get(is_moderator=True))


def test_a_moderator_reads_what_was_reported_of_a_gpt_that_they_may_not_open(people, gpt, bob):
    gpt.sharing = "private"
    gpt.save()
    case = cases.report(bob, {"gpt": gpt, "owner": gpt.owner}, "hate", "Look").case
    page = people["moderator"].get(f"/admin/moderation/case/{case.pk}/change/").text
    assert gpt.published.spec().instructions in page
    links = set(re.findall(r'href="(/g/[^"]*)"', page))
    assert not [link for link in links if people["moderator"].get(link).status_code == 404]


def test_a_moderator_lets_nobody_in_again(people, gpt):
    case = Case.objects.create(gpt=gpt, owner=gpt.owner)
    cases.decide(case, "suspend", "", User.objects.get(is_staff=True))
    cases.appeal(gpt.owner, case.pk, "It was not me.")
    people["moderator"].post(f"/admin/moderation/case/{case.pk}/act/appeal/", {"granted": "yes"})
    gpt.owner.refresh_from_db()
    assert not gpt.owner.is_active


def test_a_moderator_hides_reviews_in_the_store(people, gpt, bob):
    review = Review.objects.create(gpt=gpt, owner=bob, stars=1, text="Rude words")
    assert people["user"].post(f"/reviews/{review.id}/hide").status_code == 404
    people["moderator"].post(f"/reviews/{review.id}/hide")
    review.refresh_from_db()
    assert review.hidden
    assert people["moderator"].get(f"/reviews/{review.id}/hide").status_code == 405


def test_over_the_api_a_moderator_reaches_reports_and_nothing_else(people):
    moderator = User.objects.get(is_moderator=True)
    _, secret = create_key(moderator, "bot", scopes=("read", "manage", "approve"))
    call = Client(headers={"Authorization": f"Bearer {secret}"})
    for path in ("reports", "listings", "reported-reviews"):
        assert call.get(f"/api/operate/{path}").status_code == 200, path
    for path in ("people", "models", "groups", "audit", "backups"):
        assert call.get(f"/api/operate/{path}").status_code == 404, path


def test_moderators_are_told_of_reports_and_of_nothing_else(people, settings):
    settings.EMAIL_HOST = "smtp.example.org"
    moderator = User.objects.get(is_moderator=True)
    outbox.notify_operators("reports", "report:1", case="1")
    outbox.notify_operators("backups", "today", backup=1)
    assert list(Delivery.objects.filter(person=moderator).values_list("event", flat=True)) == ["reports"]
    assert "reports" in kinds_for(moderator)
    assert "backups" not in kinds_for(moderator)


def test_who_moderates_needs_the_second_factor_of_admins(people, settings):
    settings.SECOND_FACTOR = "admins"
    assert people["moderator"].get("/admin/moderation/case/").url.startswith("/account/2fa/")


def test_an_admin_makes_somebody_a_moderator(people):
    user = User.objects.get(is_staff=False, is_moderator=False)
    sent = {"email": user.email, "is_moderator": "on"}
    sent |= {"quota_limits-TOTAL_FORMS": "0", "quota_limits-INITIAL_FORMS": "0"}
    people["admin"].post(f"/admin/accounts/user/{user.pk}/change/", sent)
    user.refresh_from_db()
    assert (user.is_moderator, user.is_staff) == (True, False)
