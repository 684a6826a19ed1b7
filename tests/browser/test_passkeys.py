"""A passkey in Chromium's virtual authenticator: added, used alone and as a second step, under the site's policy."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_accessibility import LOOKS, SIZES, serious

pytestmark = pytest.mark.browser


def plug_in(page: Page) -> None:
    """Give the page's browser an authenticator that verifies its owner."""
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    cdp.send(
        "WebAuthn.addVirtualAuthenticator",
        {"options": {**options, "isUserVerified": True, "automaticPresenceSimulation": True}},
    )


def sign_out(page: Page) -> None:
    """And open the page to sign in."""
    page.goto("/account/logout/")
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You have signed out.")).to_be_visible()
    page.goto("/account/login/")


@pytest.mark.parametrize(("theme", "size"), LOOKS)
def test_a_passkey_signs_in_alone_and_after_the_password(visitor, alice, settings, theme, size):
    settings.PASSWORD_HASHERS = ["web.accounts.passwords.BoundedArgon2"]  # as the served site has it
    alice.set_password("alice-secret-1")
    alice.save()
    local = visitor.site.url.replace("127.0.0.1", "localhost")  # an address has no passkeys
    page = visitor.page(color_scheme=theme, viewport=SIZES[size], base_url=local)
    plug_in(page)
    page.goto("/account/login/")
    page.get_by_label("Email address").fill("alice@example.org")
    page.get_by_label("Password", exact=True).fill("alice-secret-1")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_text("Signed in as Alice.")).to_be_visible()
    page.goto("/account/2fa/webauthn/add/")
    page.get_by_label("Password", exact=True).fill("alice-secret-1")
    page.get_by_role("button", name="Confirm").click()
    assert serious(page) == []
    page.get_by_label("Name").fill("Alice’s laptop")
    page.get_by_role("button", name="Add passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    for path in ("recovery-codes/", "webauthn/", "totp/activate/", ""):
        page.goto(f"/account/2fa/{path}")
        assert (path, serious(page)) == (path, [])
    page.goto("/account/sessions/")
    assert serious(page) == []

    sign_out(page)
    assert serious(page) == []
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("Signed in as Alice.")).to_be_visible()

    sign_out(page)
    page.get_by_label("Email address").fill("alice@example.org")
    page.get_by_label("Password", exact=True).fill("alice-secret-1")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Confirm it’s you")).to_be_visible()
    assert serious(page) == []
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_text("Signed in as Alice.")).to_be_visible()
