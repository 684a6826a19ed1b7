"""Below a widget's key only a visitor's own chat exists: whose it is, how much of it, and from where."""

import time
from uuid import UUID

import jwt
import pytest
from django.test import Client
from django.utils import timezone

from gpts.runs.steps import Finished
from tests.publishing import publish
from tests.web.api.conftest import key_of
from web.accounts import quotas
from web.accounts.models import User
from web.builder import widgets
from web.builder.models_access import Sharing
from web.builder.models_widgets import Widget, WidgetVisitor
from web.builder.services import create_gpt, delete_gpt, update_gpt
from web.embed.middleware import MAY
from web.runs import services
from web.runs.deletion import forget_transient
from web.runs.models import Conversation, Run

pytestmark = pytest.mark.django_db
SITE = "https://www.example.org"
SCRIPT = {"Accept": "application/json"}


@pytest.fixture
def private(gpt):
    """The GPT, which nobody but its owner may chat with."""
    gpt = gpt
    publish(gpt, Sharing.ME)
    return gpt


@pytest.fixture
def widget(private) -> Widget:
    return widgets.change(private, {"is_on": True, "origins": [SITE]})


class Browser:
    """A browser that shows the widget: it keeps the cookie and says which page sends a form."""

    def __init__(self, widget: Widget, origin: str = "http://127.0.0.1:8000", user: User | None = None) -> None:
        self.client, self.base, self.origin = Client(enforce_csrf_checks=True), f"/embed/{widget.key}", origin
        if user:
            self.client.force_login(user)
        self.cookie = ""

    def get(self, path: str, **more):
        return self.client.get(self.base + path, headers={"Cookie": self.cookie}, **more)

    def post(self, path: str, fields=None, accept=SCRIPT):
        headers = {**accept, "Cookie": self.cookie, **({"Origin": self.origin} if self.origin else {})}
        response = self.client.post(self.base + path, fields or {}, headers=headers)
        if "Set-Cookie" in response.headers:
            self.cookie = response.headers["Set-Cookie"].partition(";")[0]
        return response

    def ask(self, text: str = "Which seal?") -> Run:
        response = self.post("/visit/start", {"text": text})
        assert response.status_code == 200, response.content
        return Run.objects.get(id=response.json()["run"])


@pytest.fixture(autouse=True)
def here(settings):
    settings.SITE_URL = "http://127.0.0.1:8000"


def end(run: Run, text: str = "ZP-771.") -> None:
    services.finish_run(run.id, Finished(text=text), None)


def test_a_visitor_has_a_chat_of_their_own_and_nothing_else(widget, private):
    browser = Browser(widget)
    run = browser.ask()
    end(run)
    conversation = run.message.conversation
    assert (conversation.origin, conversation.gpt, conversation.owner.name) == ("widget", private, "Visitor")
    shown = browser.get("/").content.decode()
    assert "Which seal?" in shown
    assert "ZP-771." in shown
    second = browser.post(f"/c/{conversation.id}/send", {"text": "And the filter?"})
    assert second.status_code == 200
    assert second.json()["send"] == f"/embed/{widget.key}/c/{conversation.id}/send"
    other = Browser(widget)
    assert "Which seal?" not in other.get("/").content.decode()
    assert other.get(f"/c/turn/{run.id}").status_code == 404
    other.ask("Hello")
    assert other.get(f"/c/turn/{run.id}").status_code == 404
    assert other.post(f"/c/{conversation.id}/send", {"text": "x"}).status_code == 404
    assert browser.get(f"/c/turn/{run.id}").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        *("/chats/", "/gpts/", "/gpts/new", "/account/me/", "/account/login/", "/api/gpts", "/v1/models", "/mcp"),
        *(
            "/g/pump-doctor/chat",
            "/g/pump-doctor/",
            "/s/x/",
            "/memory/",
            "/docs/",
            "/operate/models/",
            "/permissions/",
        ),
        *("/embed/x.js", "/nowhere", "/static/nothing"),
    ],
)
def test_nothing_of_the_site_is_below_a_key(widget, alice, path):
    for browser in (Browser(widget), Browser(widget, user=alice)):
        browser.ask()
        assert browser.get(path).status_code == 404
        assert browser.post(path).status_code == 404


def test_each_name_that_is_let_through_is_an_address():
    from django.urls import get_resolver

    assert set(get_resolver().reverse_dict) >= MAY


def test_a_session_counts_for_nothing_there(widget, alice, private):
    browser = Browser(widget, user=alice)
    run = browser.ask()
    assert run.owner != alice
    own = services.start_run(services.start_conversation(alice, private), "Mine")
    assert browser.get(f"/c/turn/{own.id}").status_code == 404


@pytest.mark.parametrize("origin", ["", "null", "https://evil.example", SITE, "https://evil.example/127.0.0.1:8000"])
def test_only_the_chats_own_page_can_send_something(widget, origin):
    browser = Browser(widget, origin)
    assert browser.post("/visit/start", {"text": "Hello"}).status_code == 403
    assert not Run.objects.exists()


def test_the_cookie_is_for_this_widget_only(widget, alice, settings):
    settings.SITE_URL = "https://gpts.example"
    browser = Browser(widget, "https://gpts.example")
    response = browser.post("/visit/start", {"text": "Hello"})
    assert response.headers["Set-Cookie"].endswith(
        f"; Path=/embed/{widget.key}/; Max-Age={widgets.VISITOR_S}; HttpOnly; SameSite=None; Secure; Partitioned"
    )
    second = create_gpt(alice, {"name": "Second", "instructions": "Help."})
    publish(second, Sharing.ME)
    elsewhere = Browser(widgets.change(second, {"is_on": True}), "https://gpts.example")
    elsewhere.cookie = browser.cookie
    assert elsewhere.post("/visit/start", {"text": "Hi"}).status_code == 200
    assert WidgetVisitor.objects.count() == 2
    assert browser.client.get("/chats/", headers={"Cookie": browser.cookie}).status_code == 302


def test_only_listed_sites_may_show_it(widget):
    browser = Browser(widget)
    for path in ("/", "/visit/colours.css", "/c/frames/artifact"):
        response = browser.get(path)
        assert f"frame-ancestors 'self' {SITE}" in response.headers["Content-Security-Policy"]
        assert "X-Frame-Options" not in response.headers
    assert "frame-ancestors 'none'" in Client().get("/").headers["Content-Security-Policy"]
    assert "frame-ancestors 'self';" in Client().get("/c/frames/artifact").headers["Content-Security-Policy"]
    assert Client().get("/").headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("how", ["off", "deleted", "suspended"])
def test_it_ends_at_once(widget, private, alice, how):
    browser = Browser(widget)
    run = browser.ask()
    end(run)
    if how == "off":
        widgets.change(private, {"is_on": False})
    elif how == "deleted":
        delete_gpt(private)
    else:
        User.objects.filter(id=alice.id).update(is_active=False)
    assert browser.get("/").status_code == 404
    assert browser.post(f"/c/{run.message.conversation_id}/send", {"text": "More"}).status_code == 404
    assert Client().get(f"/embed/{widget.key}.js").status_code == 404


def test_limits_of_a_visitor_a_widget_and_a_creator(widget, private, alice, settings):
    widgets.change(private, {"messages_a_visitor": 2, "messages_a_day": 3})
    first = Browser(widget)
    for _ in range(2):
        end(first.ask())
    refused = first.post("/visit/start", {"text": "Hello"})
    assert refused.status_code == 429
    assert "as many messages as you may today" in refused.json()["error"]
    end(Browser(widget).ask())
    full = Browser(widget).post("/visit/start", {"text": "Hello"})
    assert full.status_code == 429
    assert "This chat has answered" in full.json()["error"]
    assert Widget.objects.get().n_today == 3
    assert quotas.used_today(alice.id)["visitors"] == 3
    Widget.objects.update(day=timezone.localdate() - timezone.timedelta(days=1))
    end(Browser(widget).ask())
    settings.VISITOR_MESSAGES_A_DAY = 4
    assert Browser(widget).post("/visit/start", {"text": "Hello"}).status_code == 429
    assert Run.objects.count() == 4


def test_a_refused_message_leaves_no_chat(widget, private):
    widgets.change(private, {"messages_a_day": 1})
    end(Browser(widget).ask())
    before = Conversation.objects.count()
    assert Browser(widget).post("/visit/start", {"text": "Hello"}).status_code == 429
    assert Browser(widget).post("/visit/start", {"text": "  "}).status_code == 400
    assert Conversation.objects.count() == before


def token(widget: Widget, **claims) -> str:
    claims = {"sub": "customer 7", "exp": time.time() + 600} | claims
    return jwt.encode({key: value for key, value in claims.items() if value is not None}, widgets.secret_of(widget))


def test_a_named_visitor_is_the_same_everywhere_and_only_while_named(widget, private):
    widgets.change(private, {"only_signed": True})
    widget.refresh_from_db()
    browser = Browser(widget)
    assert browser.post("/visit/start", {"text": "Hello"}).status_code == 403
    assert browser.post("/visit/identify", {"token": token(widget)}).json() == {"is_new": True}
    run = browser.post("/visit/start?signed", {"text": "My order?"})
    end(Run.objects.get(id=run.json()["run"]))
    elsewhere = Browser(widget)
    elsewhere.post("/visit/identify", {"token": token(widget)})
    assert "My order?" in elsewhere.get("/?signed").content.decode()
    assert "My order?" not in elsewhere.get("/").content.decode()  # the site named nobody when it was opened
    assert WidgetVisitor.objects.get().subject == "customer 7"
    other = Browser(widget)
    other.post("/visit/identify", {"token": token(widget, sub="customer 8")})
    assert "My order?" not in other.get("/?signed").content.decode()


def test_a_message_that_a_named_visitor_sends_before_the_script_ran_is_shown(widget, private):
    widgets.change(private, {"only_signed": True})
    widget.refresh_from_db()
    browser = Browser(widget)
    browser.post("/visit/identify", {"token": token(widget)})
    assert f'action="/embed/{widget.key}/visit/start?signed"' in browser.get("/?signed").content.decode()
    response = browser.post("/visit/start?signed", {"text": "My order?"}, accept={})
    assert response.status_code == 302
    path = response.url.removeprefix(browser.base)
    assert "My order?" in browser.get(path).content.decode()


def test_nobody_writes_as_the_visitor_whom_the_site_named_before(widget, private):
    widgets.new_secret(private)
    widget.refresh_from_db()
    browser = Browser(widget)
    browser.post("/visit/identify", {"token": token(widget)})
    browser.ask("Whose is this?")
    assert Run.objects.get().owner.widget_visitor.subject == ""


def test_a_token_that_does_not_count_names_nobody(widget, private):
    widgets.change(private, {"only_signed": True})
    widget.refresh_from_db()
    secret = widgets.secret_of(widget)
    hour = {"sub": "7", "exp": time.time() + 3600}
    wrong = [
        *(
            "",
            "x",
            "a.b.c",
            jwt.encode(hour, "another secret of thirty-two characters"),
            jwt.encode(hour, "", "none"),
        ),
        *(token(widget, exp=time.time() - 5), token(widget, exp=None), token(widget, exp=time.time() + 90_000)),
        *(token(widget, sub=None), token(widget, sub=" "), token(widget, sub="x" * 201)),
        jwt.encode(hour, secret * 3, "HS512"),
    ]
    for each in wrong:
        assert Browser(widget).post("/visit/identify", {"token": each}).status_code == 403, each
    good = token(widget)
    widgets.new_secret(private)
    assert Browser(widget).post("/visit/identify", {"token": good}).status_code == 403
    assert not WidgetVisitor.objects.exists()


def test_a_visitor_cannot_call_another_gpt(widget, alice):
    second = create_gpt(alice, {"name": "Second", "instructions": "Help.", "description": "x"})
    publish(second, Sharing.STORE)
    browser = Browser(widget)
    run = browser.post("/visit/start", {"text": "@Second hello", "mention": "second", "stay": "true"})
    assert Run.objects.get(id=run.json()["run"]).version.gpt == widget.gpt


def test_chats_of_visitors_are_forgotten_with_their_users(widget):
    browser = Browser(widget)
    end(browser.ask())
    old = timezone.now() - timezone.timedelta(days=31)
    forget_transient()
    assert Conversation.objects.count() == 1
    Conversation.objects.update(changed=old)
    WidgetVisitor.objects.update(created=old)
    forget_transient()
    assert widgets.forget_visitors() == 1
    assert not Conversation.objects.exists()
    assert not WidgetVisitor.objects.exists()
    assert not User.objects.filter(name="Visitor").exists()
    assert Browser(widget).get("/").status_code == 200


def test_a_forged_cookie_is_nobodys(widget):
    for cookie in ("visitor=x", "visitor=", f"visitor={UUID(int=1)}", "visitor=a:b:c"):
        browser = Browser(widget)
        browser.cookie = cookie
        assert browser.get("/").status_code == 200
        browser.ask()
    assert WidgetVisitor.objects.count() == 4


def test_the_script_holds_the_creators_words_as_data(widget, private):
    hostile = '"; alert(1); // </script>\u2028'
    widgets.change(private, {"label": hostile})
    text = Client().get(f"/embed/{widget.key}.js").content.decode()
    assert '\\"; alert(1); // </script>\\u2028' in text
    assert "WIDGET_SETTINGS" not in text
    assert "\u2028" not in text


def test_only_its_owner_sets_it_and_only_once_published(alice, client):
    draft = create_gpt(alice, {"name": "Sketch"})
    headers = {"Authorization": f"Bearer {key_of(alice)}"}
    url = f"/api/gpts/{draft.slug}/widget"
    unsaved = client.get(url, headers=headers).json()
    assert (unsaved["is_on"], unsaved["script"], unsaved["secret"]) == (False, "", "")
    on = client.patch(url, {"is_on": True}, content_type="application/json", headers=headers)
    assert on.status_code == 422
    assert "Publish the GPT first" in on.content.decode()
    body = {"origins": ["https://example.org/path"]}
    assert client.patch(url, body, content_type="application/json", headers=headers).status_code == 422
    publish(draft, Sharing.ME)
    body = {"is_on": True, "origins": ["https://Example.org/"], "colour": "#FFE600"}
    changed = client.patch(url, body, content_type="application/json", headers=headers).json()
    assert (changed["origins"], changed["colour"]) == (["https://example.org"], "#ffe600")
    secret = client.post(f"{url}/secret", headers=headers).json()["secret"]
    assert len(secret) >= 40
    assert secret not in Widget.objects.get().secret


def test_a_visitor_fills_in_the_inputs(widget, private):
    publish(update_gpt(private, {"inputs": [{"name": "customer", "required": True}]}, by=private.owner), Sharing.ME)
    browser = Browser(widget)
    assert 'name="answer-customer"' in browser.get("/visit/").content.decode()
    refused = browser.post("/visit/start", {"text": "Hello"})
    assert (refused.status_code, "customer" in refused.json()["error"]) == (422, True)
    started = browser.post("/visit/start", {"text": "Hello", "answer-customer": "Acme"}).json()
    assert Run.objects.get(id=started["run"]).message.conversation.inputs == {"customer": "Acme"}
