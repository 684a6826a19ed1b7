"""The operator's console in a browser: nothing serious for axe, nothing against its content policy, and it works."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.test_accessibility import troubles
from web.accounts import webhooks
from web.accounts.models import User
from web.accounts.services import create_sign_in_link
from web.builder.models_listing import ListingReview
from web.moderation import cases
from web.operate.models_backup import Backup

pytestmark = pytest.mark.browser


def test_an_operator_walks_through_the_console(visitor, gpt, bob, alice):
    oscar = User.objects.create_superuser("oscar@example.org", name="Oscar")
    page = visitor.page()
    page.goto(urlsplit(create_sign_in_link(oscar)).path)
    page.get_by_role("main").get_by_role("button").click()
    expect(page.get_by_role("heading", name="First steps")).to_be_visible()
    lists = ("accounts/user/", "auth/group/", "builder/gpt/", "accounts/auditrow/")
    forms = (f"accounts/user/{bob.pk}/change/", f"builder/gpt/{gpt.id}/change/", "accounts/user/add/")
    kept = Backup.objects.create(
        path="/backups/guildhall-20261127-120000.backup", size=9_000_000, state="failed", error="Full."
    )
    new = (
        "backups/",
        "backups/restore/",
        f"backups/{kept.pk}/delete/",
        f"accounts/user/{alice.pk}/erase/",
    )
    hook, _ = webhooks.create(None, "https://example.org/hook", ["report.filed"], oscar)
    case = cases.report(bob, {"gpt": gpt, "owner": alice}, "other", "Bad advice").case
    review = ListingReview.objects.create(gpt=gpt, version=gpt.published)
    lists += ("accounts/signinprovider/", "accounts/webhook/", "moderation/case/", "builder/listingreview/")
    forms += ("accounts/invitation/add/", "accounts/signinprovider/add/", "accounts/signinprovider/add/?kind=saml")
    forms += ("accounts/webhook/add/", f"accounts/webhook/{hook.id}/change/", f"moderation/case/{case.id}/change/")
    forms += (f"builder/listingreview/{review.id}/change/",)
    User.objects.filter(is_staff=False).update(last_login=None)  # as on a new site, which takes any backup
    for path in ("", *lists, *forms, "health/", "usage/", "storage/", "settings/", "services/", *new):
        page.goto(f"/admin/{path}")
        assert (path, troubles(page)) == (path, [])
    page.goto(f"/admin/accounts/user/{bob.pk}/change/")
    page.get_by_role("button", name="Suspend").click()
    expect(page.get_by_role("button", name="Reactivate")).to_be_visible()
    page.goto("/admin/accounts/user/")
    page.locator("tr", has_text="bob@example.org").get_by_role("checkbox").check()
    page.get_by_label("Select action to run").select_option("reactivate")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text("1 person reactivated.")).to_be_visible()
