"""Operators connect models at servers on a page; a key is never shown again and goes to its own server only."""

import html
from typing import Any

import pytest
from django.contrib.auth.models import Group

from tests.publishing import publish
from web import rpc
from web.accounts.models_audit import AuditRow
from web.builder.models import Gpt
from web.builder.models_access import Sharing
from web.builder.services import update_gpt
from web.engines import DEFAULT, NO_FALLBACK, answering, engines, forget, offered, read_engines
from web.operate import connecting
from web.operate.models import MeasuredModel
from web.operate.models_connected import ConnectedModel, open_key
from web.operate.services import current_model, model_can, model_sees, save_measurement, seen_model

KEY = "sk-very-secret-0123456789"
URL = "http://10.0.0.5:8001/v1"
CONNECT, EDIT = "/operate/models/connect/", "/operate/models/connected/large/"
PICK = "/operate/models/pick/"
FIELDS = {"model": "m-1", "title": "Large", "allowed": "everyone", "fallback": DEFAULT, "context_tokens": "0"}


@pytest.fixture
def asked(monkeypatch) -> list[tuple[str, str]]:
    """The servers that a worker was asked about, with the keys that it opened."""
    asked: list[tuple[str, str]] = []

    def call(task: str, url: str, sealed: str, *, queue: str, timeout_s: float) -> dict[str, Any]:
        assert (task, queue) == ("workers.tasks.list_server_models", "tools")
        assert KEY not in sealed
        asked.append((url, open_key(sealed, url)))
        return {"models": ["m-1", "m-2"]}

    monkeypatch.setattr(rpc, "call", call)
    return asked


@pytest.fixture
def page(client, oscar, asked):
    """The page after a post (or get) of an operator."""
    client.force_login(oscar)

    def send(path: str, fields: dict[str, str] | None = None) -> str:
        answer = client.get(path) if fields is None else client.post(path, fields, follow=True)
        assert answer.status_code == 200
        return answer.content.decode()

    return send


@pytest.fixture
def connected(page) -> ConnectedModel:
    page(CONNECT, {"url": URL, "key": KEY})
    page(f"{CONNECT}?models", FIELDS)
    return ConnectedModel.objects.get()


def test_a_server_is_asked_for_its_models_of_which_one_is_offered(page, asked, alice):
    listed = page(CONNECT, {"url": URL, "key": KEY})
    assert '<option value="m-2">' in listed
    shown = page(f"{CONNECT}?models", {**FIELDS, "model": "m-2", "input_price": "0.6", "allowed": "operators"})
    assert "Large" in shown
    assert "Ready" in shown
    assert KEY not in listed + shown + page(EDIT)
    assert asked == [(URL, KEY)]
    entry = engines()["large"]
    assert (entry.model, entry.input_price, entry.allowed) == ("m-2", 0.6, "operators")
    assert entry.key.get_secret_value() == KEY
    row = AuditRow.objects.get(act="model.changed")
    assert (row.about_id, row.facts) == ("large", {"action": "connect", "model": "m-2"})


def test_whoever_has_only_a_session_connects_picks_and_removes_no_model(connected, client, oscar):
    """All chats could go to a server of theirs."""
    oscar.set_password("oscar-secret-1")
    oscar.save()
    client.force_login(oscar)
    for path in (CONNECT, EDIT):
        assert client.get(path).headers["Location"].startswith("/account/reauthenticate/")
        assert client.post(path, {"url": URL, "key": KEY}).headers["Location"] == path
    for path in ("/operate/models/pick/", f"{EDIT}remove/"):
        assert client.post(path, {"picked": "large"}).headers["Location"].startswith("/account/reauthenticate/")
    assert not ConnectedModel.objects.get().is_picked
    assert KEY not in str(dict(client.session))


def test_a_model_is_edited_without_its_key(connected, page, asked):
    page(EDIT, {**FIELDS, "title": "Larger", "fallback": NO_FALLBACK})
    assert engines()["large"].title == "Larger"
    assert engines()["large"].key.get_secret_value() == KEY
    page(EDIT, {"url": "http://10.0.0.5:8001/", "key": ""})
    page(f"{EDIT}?models", {**FIELDS, "model": "m-2"})
    assert asked[-1] == ("http://10.0.0.5:8001/", KEY)
    assert (engines()["large"].model, engines()["large"].key.get_secret_value()) == ("m-2", KEY)


@pytest.mark.parametrize("url", ["https://10.0.0.5:8001/v1", "http://10.0.0.5/v1", "http://10.0.0.6:8001/v1"])
def test_an_old_key_never_goes_to_another_server(connected, page, asked, url):
    page(EDIT, {"url": url, "key": ""})
    assert asked[-1] == (url, "")
    assert engines()["large"].url == URL
    page(f"{EDIT}?models", FIELDS)
    assert (engines()["large"].url, engines()["large"].key.get_secret_value()) == (url, "")


@pytest.mark.parametrize(
    "url",
    [
        *("http://169.254.169.254/v1", "http://[fe80::1]:80", "http://0.0.0.0:8001", "http://2852039166/"),
        *(
            "ftp://example.org",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "http://me:pw@example.org",
            "example.org",
        ),
        *("http://example.org/?key=1", "http://" + "x" * 600, ""),
    ],
)
def test_other_addresses_are_refused_in_words(page, asked, url):
    assert "errorlist" in page(CONNECT, {"url": url, "key": KEY})
    assert asked == []


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"refused": "key"}, "The server refuses the key."),
        ({"refused": "silent"}, "doesn’t answer"),
        ({"refused": "answer"}, "doesn’t list its models"),
        ({"models": []}, "has no models yet"),
    ],
)
def test_what_a_server_refuses_is_a_sentence(page, monkeypatch, found, words):
    monkeypatch.setattr(rpc, "call", lambda *args, **options: found)
    assert words in page(CONNECT, {"url": URL, "key": KEY})
    assert not ConnectedModel.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"title": "default MODEL"}, "Another model has this title."),
        ({"title": ""}, "required"),
        ({"model": "another"}, "Select a valid choice"),
        ({"fallback": "gone"}, "Select a valid choice"),
        ({"input_price": "-1"}, "greater than or equal to 0"),
        ({"context_tokens": "-1"}, "greater than or equal to 0"),
    ],
)
def test_what_contradicts_is_refused_at_its_field(page, wrong, words):
    page(CONNECT, {"url": URL, "key": ""})
    assert words in page(f"{CONNECT}?models", {**FIELDS, **wrong})
    assert not ConnectedModel.objects.exists()


def test_fallbacks_never_go_round_in_a_circle(connected, page):
    page(CONNECT, {"url": URL, "key": ""})
    page(f"{CONNECT}?models", {**FIELDS, "title": "Small", "fallback": "large"})
    assert engines()["small"].fallback == "large"
    assert "falls back to the one" in page(EDIT, {**FIELDS, "fallback": "small"})
    assert engines()["large"].fallback == DEFAULT


def test_names_stay_unique_and_stay_what_they_were(connected, page):
    for title in ("Large!", "大模型", "None"):
        page(CONNECT, {"url": URL, "key": ""})
        page(f"{CONNECT}?models", {**FIELDS, "title": title})
    assert set(engines()) == {DEFAULT, "large", "large-2", "model", "none-2"}


def test_a_removed_model_is_followed_by_the_default_one(connected, page, gpt):
    update_gpt(gpt, {"engine": "large"}, by=gpt.owner)
    publish(gpt)
    ConnectedModel.objects.create(name="small", title="Small", url=URL, model="m", fallback="large")
    assert "1 GPT uses it." in page(EDIT)
    assert "Large was removed." in page(f"{EDIT}remove/", {})
    assert list(engines()) == [DEFAULT, "small"]
    assert engines()["small"].fallback == DEFAULT
    assert AuditRow.objects.filter(act="model.changed", facts__action="disconnect").exists()


def test_a_picked_model_answers_for_gpts_that_name_none(connected, page, gpt, client, oscar):
    seen_model("a" * 64, "bundled").save()
    MeasuredModel.objects.update(measured={"writes_from_sources": False})
    ConnectedModel.objects.update(ability={"sees_images": True})
    notice = f"/gpts/{gpt.slug}/edit"
    client.force_login(gpt.owner)
    assert "is a starter model" in page(notice)
    client.force_login(oscar)
    assert '<option value="large" selected>' in page("/operate/models/pick/", {"picked": "large"})
    assert (answering(""), answering("gone"), model_sees(), model_can("calls_tools", DEFAULT)) == (
        *("large", "large"),
        *(True, False),
    )
    client.force_login(gpt.owner)
    shown = page(notice)
    assert "Answered by Large" in shown
    assert "is a starter model" not in shown
    assert "Default model · Large" in shown


@pytest.mark.parametrize("undo", [{"picked": ""}, {"picked": "gone"}, None])
def test_the_sites_own_model_answers_again(connected, page, undo):
    page("/operate/models/pick/", {"picked": "large"})
    assert answering("") == "large"
    if undo:
        page("/operate/models/pick/", undo)
    else:
        page(EDIT, {**FIELDS, "allowed": "operators"})
    assert (answering(""), engines()[DEFAULT].title) == (DEFAULT, "Default model")


def test_a_check_begins_after_connecting_and_its_result_is_shown(page, gpt):
    assert "tokens, fewer if its context is short" in page(CONNECT, {"url": URL, "key": KEY})
    assert "being checked now" in page(f"{CONNECT}?models", {**FIELDS, "check": "on", "input_price": "1"})
    row = connecting.claim_check()
    assert row is not None
    assert connecting.claim_check() is None
    record = MeasuredModel.objects.create(fingerprint="b" * 64, name="m-1", seen_at=None)
    speed = {"streams": True, "context_tokens": 32768, "first_s": 0.4, "page_s": 9.5, "tokens_per_s": 55.0}
    save_measurement(record, {"speed": speed}, {"writes_from_sources": True, "sees_images": True}, 60.0)
    connecting.end_check(row, record)
    shown = page(EDIT)
    words = "Writes answers", "Calls no tools", "Sees pictures", "Streams", "32768 tokens", "0.4 s", "9.5 s"
    assert [each for each in words if each not in shown] == []
    assert (model_sees("large"), current_model()) == (True, None)
    assert "That costs up to $1.08." in shown


def test_a_failed_check_says_why_and_can_be_tried_again(connected, page):
    connecting.ask_check("large")
    row = connecting.claim_check()
    assert row is not None
    connecting.end_check(row, None, "The model server answered HTTP 500.")
    assert "HTTP 500" in page("/operate/models/")
    assert "Try again" in page(EDIT)
    assert "being checked now" in page(f"{EDIT}check/", {})


def test_a_check_of_another_server_than_the_one_of_now_is_dropped(connected, page):
    connecting.ask_check("large")
    row = connecting.claim_check()
    assert row is not None
    ConnectedModel.objects.update(url="http://10.0.0.9/v1", check_state="waiting")
    connecting.end_check(row, None, "HTTP 500")
    assert ConnectedModel.objects.get().check_trouble == ""


def test_an_operator_says_what_a_connected_model_can_do(connected, page):
    shown = page(f"{EDIT}abilities/")
    assert "Not checked yet." in shown
    assert "Not measured" in shown
    page(f"{EDIT}abilities/", {"calls_tools": "on", "verifies": "off", "reads_tokens": "90000"})
    found = engines()["large"].known
    assert (found["calls_tools"], found["verifies"], found["reads_tokens"]) == (True, False, 90000)
    assert 'value="90000"' in page(f"{EDIT}abilities/", {"calls_tools": "measured", "reads_tokens": "90000"})
    assert "calls_tools" not in engines()["large"].known
    assert MeasuredModel.objects.count() == 0


def test_the_list_says_which_servers_answer(connected, page):
    for is_ready, words in ((False, "Doesn’t answer"), (True, "Ready")):
        ConnectedModel.objects.update(is_ready=is_ready)
        assert words in page("/operate/models/").partition("Connected models")[2]


@pytest.mark.parametrize(
    ("fallback", "words"),
    [
        (DEFAULT, "Large doesn’t answer now, so SmolLM2-135M-Instruct answers."),
        ("none", "Large doesn’t answer now, and no other model stands in."),
    ],
)
def test_every_page_says_that_a_server_is_silent_and_what_answers_instead(
    connected, page, gpt, oscar, fallback, words
):
    seen_model("a" * 64, "bundled")
    paths = ("/operate/models/", f"/gpts/{gpt.slug}/edit", f"/g/{gpt.slug}/chat")
    Gpt.objects.update(engine="large", owner=oscar)
    publish(Gpt.objects.get(id=gpt.id), Sharing.STORE)
    for is_ready in (False, True):
        ConnectedModel.objects.update(is_ready=is_ready, fallback=fallback)
        forget()
        assert [words in html.unescape(page(path)) for path in paths] == [not is_ready] * 3


def test_the_default_model_is_called_by_its_name(connected, page, gpt, oscar):
    seen_model("a" * 64, "bundled")
    Gpt.objects.update(owner=oscar)
    Gpt.objects.update(engine="large")
    assert "1 GPT uses it. Then SmolLM2-135M-Instruct answers." in page(EDIT)
    assert '<option value="default" selected>SmolLM2-135M-Instruct' in page(EDIT)
    assert "The site’s own model · SmolLM2-135M-Instruct" in page("/operate/models/")
    Gpt.objects.update(engine="gone")
    edit = html.unescape(page(f"/gpts/{gpt.slug}/edit"))
    assert "no longer offer “gone”, so SmolLM2-135M-Instruct answers" in edit
    assert "Default model · SmolLM2-135M-Instruct" in edit


def test_models_of_the_file_are_taken_over_with_their_keys(page, settings, tmp_path):
    file = tmp_path / "engines.toml"
    file.write_text(
        f'[cloud]\ntitle = "Cloud 70B"\nurl = "{URL}"\nmodel = "big"\nkey = "{KEY}"\nallowed = "groups"\n'
        'groups = ["7b"]\ninput_price = 0.5\nability = {calls_tools = true}\n[spare]\nurl = "http://10.0.0.7/v1"\n'
        'model = "small"\nfallback = "cloud"\n'
    )
    group = Group.objects.create(name="7b")
    settings.ENGINES, wrong = read_engines(file, lambda name: "")
    assert not wrong
    before = engines()
    assert "Cloud 70B, spare." in page("/operate/models/")
    assert KEY not in page("/operate/models/import/", {})
    assert "Cloud 70B, spare." not in page("/operate/models/")
    assert {**engines(), "cloud": engines()["cloud"]} == before
    assert list(ConnectedModel.objects.get(name="cloud").groups.all()) == [group]
    page("/operate/models/connected/cloud/", {**FIELDS, "model": "big", "title": "Cloud"})
    assert engines()["cloud"].title == "Cloud"
    ConnectedModel.objects.all().delete()
    ConnectedModel.objects.create(name="other", title="spare", url=URL, model="m-1")
    assert "Another model has the title spare." in page("/operate/models/import/", {})
    assert not ConnectedModel.objects.filter(name="cloud").exists()


@pytest.mark.parametrize(
    "path",
    [CONNECT, EDIT, *(f"{EDIT}{act}/" for act in ("remove", "check", "abilities")), PICK, "/operate/models/import/"],
)
def test_others_find_nothing(connected, client, bob, path):
    client.force_login(bob)
    assert client.post(path, FIELDS).status_code == 404
    assert ConnectedModel.objects.exists()


def test_a_model_is_for_the_people_of_the_chosen_groups(page, connected, alice, bob):
    assert 'name="groups"' not in page(EDIT)
    group = Group.objects.create(name="7b")
    assert "Choose at least one group." in page(EDIT, {**FIELDS, "allowed": "groups"})
    page(EDIT, {**FIELDS, "allowed": "groups", "groups": str(group.pk)})
    forget()
    group.user_set.add(alice)
    assert "large" in offered(alice)
    assert "large" not in offered(bob)
    assert answering("") == DEFAULT
    assert "People in some groups" in page("/operate/models/")
    group.delete()
    forget()
    assert "large" not in offered(alice)
