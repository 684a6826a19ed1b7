"""What the access matrix asks for: people, and objects that each hold secret words of their own.

A secret word is made by `word`; the table in access_matrix.txt says who may be shown it.
"""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode, urlsplit
from uuid import UUID, uuid4

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.models import Group
from django.core import signing
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from gpts.knowledge.documents import Citation, Passage
from gpts.runs.forms import Form, FormField
from gpts.runs.steps import ApprovalRequest, AppView, Finished, ModelReply, Retrieval, ToolCall, ToolResult
from tests.publishing import publish
from tests.web.api.conftest import expired_key_of, revoked_key_of
from tests.web.runs import trees
from tests.web.runs.attached import attached
from web.accounts import directory_tokens, grants, invitations, suspended, webhooks
from web.accounts.models import ApiKey, Scope, User
from web.accounts.models_sign_in import SignInProvider
from web.accounts.services import create_key, create_sign_in_link, vouch_for_address
from web.api.models import Batch, FileBatch, ProgramConversation, ProgramItem, Response
from web.builder import files, shares
from web.builder.access import open_link
from web.builder.delegates import add
from web.builder.models import Gpt, GptVersion
from web.builder.models_access import Sharing
from web.builder.models_actions import Action, McpServerRow, RemoteAgentRow, SignIn
from web.builder.models_files import KnowledgeFile
from web.builder.models_listing import ListingReview
from web.builder.models_sources import Source
from web.builder.services import create_gpt, delete_gpt, update_gpt
from web.moderation.models import Case
from web.notifications.kinds import stop_link
from web.operate.models import MeasuredModel, ModelDownload, ModelSurvey
from web.operate.models_backup import Backup
from web.operate.models_connected import ConnectedModel, seal_key
from web.runs import feedback, log, memories, projects, sharing
from web.runs.citations import pictures_of
from web.runs.deletion import delete_conversation
from web.runs.files import keep
from web.runs.files import upload as upload_file
from web.runs.models import Conversation, CreatorQuestion, Message, Permission, Run, StoreFile, VectorStore
from web.runs.models_chats import AppCall, QueuedMessage
from web.runs.models_drafts import DraftChange
from web.runs.models_imports import ChatImport
from web.runs.services import start_conversation, start_run
from web.schedules import services as schedules
from web.store import collections, profiles
from web.store.models import Review

FILE_TEXT: Final = "The fee is 12 {}. Pay it."
# Lists that can be searched or filtered. All GPTs of the scene have a pump in their name.
QUERIES: Final = {
    "/": ("?q=pump",),
    "/chats/": ("?q=pump",),
    "/docs/": ("?q=pump",),
    "/g/mentionable": ("?q=pump",),
    "/gpts/<slug>/delegates/choices": ("?q=pump",),
    "/gpts/<slug>/use/": ("?days=90",),
    "/api/gpts": ("?scope=store", "?scope=store&q=pump", "?q=pump"),
    "/api/conversations": ("?q=pump", "?archived=true"),
    "/runs/<run_id>/tree": ("?part",),
    "/operate/models/": ("?part",),
}
# What is sent where an empty form or object would be refused; bytes are a file.
SCHEDULE: Final = {"gpt": "<model>", "name": "New", "text": "Hello"}
BODIES: Final[dict[str, Any]] = {
    "POST /schedules/new": {**SCHEDULE, "repeat": "day", "at": "08:00"},
    "POST /schedules/<schedule_id>/": {**SCHEDULE, "repeat": "day", "at": "08:00", "revision": "1"},
    "POST /api/schedules": {**SCHEDULE, "cron": "0 8 * * *"},
    "PATCH /api/schedules/<schedule_id>": {"name": "Changed"},
    "POST /account/keys/": {"name": "new", "days": "30", "scopes": "chat"},
    "POST /account/me/": {"name": "New"},
    "POST /authorize": {"request": "<signed>", "decision": "allow"},
    "POST /account/password/reset/": {"email": "nobody@example.org"},
    "POST /memory/<slug>/add": {"text": "New"},
    "POST /memory/<memory_id>/change": {"text": "New"},
    "POST /api/gpts/<slug>/memories": {"text": "New"},
    "PATCH /api/memories/<memory_id>": {"text": "New"},
    "POST /projects/<project_id>/change": {"name": "New"},
    "POST /projects/<project_id>/files": {"file": b"text"},
    "POST /api/projects/<project_id>/files": {"file": b"text"},
    "POST /api/projects": {"name": "New"},
    "POST /api/operate/invitations": {"name": "New"},
    "PATCH /api/operate/people/<person_id>": {"groups": ["Class 7c"]},
    "PUT /api/operate/people/<person_id>/quotas": {"quotas": [{"kind": "messages", "most": 5}]},
    "POST /api/operate/people/<person_id>/erase": {"email": "another@example.org"},
    "POST /api/operate/groups": {"name": "New"},
    "PATCH /api/operate/groups/<group_id>": {"name": "New"},
    "PUT /api/operate/groups/<group_id>/quotas": {"quotas": []},
    "POST /c/<conversation_id>/move": {"project": "<project_id>"},
    "POST /c/<conversation_id>/send": {"text": "Hello"},
    "POST /c/<conversation_id>/messages/<message_id>": {"text": "Another"},
    "POST /c/<conversation_id>/show": {"run": "<run_id>"},
    "POST /c/<conversation_id>/share": {"audience": "public"},
    "POST /c/turn/<run_id>/feedback": {"rating": "good"},
    "POST /api/conversations/<conversation_id>/queue": {"text": "Later"},
    "PUT /api/runs/<run_id>/feedback": {"is_good": True},
    "POST /c/<conversation_id>/fork": {"run": "<run_id>"},
    "POST /api/conversations/<conversation_id>/messages/<message_id>": {"text": "Another"},
    "POST /api/conversations/<conversation_id>/fork": {},
    "POST /c/<conversation_id>/rename": {"title": "Changed"},
    "POST /c/turn/<run_id>/ask-creator": {"text": "Which seal?"},
    "POST /files/attach": {"file": b"text"},
    "POST /g/<slug>/chat": {"text": "Hello"},
    "POST /gpts/<slug>/edit": {
        "name": "New",
        "category": "work",
        "temperature": "0",
        "max_tokens": "9",
        "sharing": "link",
    },
    "POST /gpts/<slug>/people": {"email": "dana@example.org", "right": "chat"},
    "POST /api/gpts/<slug>/shares": {"email": "dana@example.org"},
    "POST /g/<slug>/review": {"stars": "4"},
    "PUT /api/gpts/<slug>/review": {"stars": 4},
    "POST /reviews/<review_id>/answer": {"answer": "Thanks"},
    "PUT /api/reviews/<review_id>/answer": {"answer": "Thanks"},
    "POST /api/reviews/<review_id>/report": {"reason": "Rude"},
    "POST /gpts/<slug>/webhooks/": {"url": "https://example.org/hook", "events": "review.left"},
    "POST /gpts/<slug>/webhooks/<webhook_id>/": {"url": "https://example.org/hook", "events": "review.left"},
    "POST /api/gpts/<slug>/webhooks": {"url": "https://example.org/hook", "events": ["review.left"]},
    "POST /api/operate/webhooks": {"url": "https://example.org/hook", "events": ["report.filed"]},
    "POST /api/operate/listings/<listing_id>/decision": {"approved": False},
    "PUT /api/account/notifications": {"wanted": []},
    "POST /api/operate/reports/<case_id>/decision": {"decision": "none"},
    "POST /api/operate/reports/<case_id>/appeal": {"granted": True},
    "POST /api/account/decisions/<decision_id>/appeal": {"text": "It is true."},
    "POST /account/decisions/<decision_id>/appeal": {"text": "It is true."},
    "PUT /api/operate/reviews/<review_id>": {"hidden": True},
    "PUT /api/operate/categories": {"categories": [{"key": "other", "title": "Other"}]},
    "POST /operate/categories/": {"key": "other", "title": "Other", "place": "1"},
    "PUT /api/account/profile": {"public": False},
    "POST /collections/": {"name": "New"},
    "POST /collections/<collection_id>/change": {"name": "New"},
    "POST /api/collections": {"name": "New"},
    "PATCH /api/collections/<collection_id>": {"name": "New"},
    "POST /gpts/new": {"name": "New"},
    "POST /gpts/<slug>/embed": {
        "label": "Ask",
        "colour": "#1d5c4a",
        "side": "right",
        "theme": "auto",
        "messages_a_day": "5",
        "messages_a_visitor": "5",
    },
    "POST /gpts/<slug>/sources/<source_id>/": {"url": "https://example.org/manuals", "secret": "x", "hours": "24"},
    "POST /api/gpts/<slug>/sources": {"settings": {"kind": "page", "url": "https://example.org/"}},
    "PATCH /api/gpts/<slug>/sources/<source_id>": {"hours": 9},
    "PATCH /api/gpts/<slug>/versions/<number>": {"note": "New"},
    "PATCH /api/gpts/<slug>/widget": {"label": "Ask"},
    "POST /gpts/describe": {"text": "It helps people with pumps."},
    "POST /gpts/<slug>/wizard/<step>": {"value": "Bread Buddy"},
    "POST /gpts/<slug>/build": {"text": "Change it"},
    "POST /gpts/<slug>/delegates/add": {"delegate": "second"},
    "POST /gpts/<slug>/files": {"file": b"text"},
    "POST /gpts/<slug>/files/<file_id>/replace": {"file": b"text"},
    "POST /gpts/<slug>/knowledge/ask": {"question": "Which seal?"},
    "POST /gpts/<slug>/preview": {"text": "Hello"},
    "POST /gpts/<slug>/try/start": {"text": "Hello"},
    "POST /gpts/<slug>/questions/<question_id>": {"answer": "ZP-771."},
    "POST /runs/<run_id>/approve": {"call_id": "w1", "allowed": "true"},
    "POST /runs/<run_id>/answer": {"call_id": "w1", "action": "accept", "answer-city": "Rome"},
    "POST /v1/chat/completions": {"model": "<model>", "messages": [{"role": "user", "content": "Hello"}]},
    "POST /v1/chat/completions/<completion_id>": {"metadata": {}},
    "POST /v1/completions": {"model": "<model>", "prompt": "Hello"},
    "POST /v1/embeddings": {"model": "all-MiniLM-L6-v2", "input": "Hello"},
    "POST /v1/images/generations": {"prompt": "A pump"},
    "POST /v1/audio/speech": {"input": "A pump"},
    "POST /v1/audio/transcriptions": {"file": b"text"},
    "POST /v1/moderations": {"input": "Hello"},
    "POST /v1/responses": {"model": "<model>", "input": "Hello"},
    "POST /v1/responses/input_tokens": {"model": "<model>", "input": "Hello"},
    "POST /v1/messages/count_tokens": {"model": "<model>", "messages": [{"role": "user", "content": "Hello"}]},
    "POST /v1/conversations/<conversation_id>": {"metadata": {}},
    "POST /v1/conversations/<conversation_id>/items": {"items": [{"role": "user", "content": "Hello"}]},
    "POST /v1/batches": {
        "input_file_id": "<upload>",
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
    },
    "POST /v1/vector_stores/<vector_store_id>/search": {"query": "Which seal?"},
    "POST /v1/vector_stores/<vector_store_id>/files": {"file_id": "<upload>"},
    "POST /v1/vector_stores/<vector_store_id>/files/<file_id>": {"attributes": {"year": 2024}},
    "POST /v1/vector_stores/<vector_store_id>/file_batches": {"file_ids": ["<upload>"]},
    "POST /v1/files": {"file": b"text", "purpose": "user_data"},
    "POST /v1/messages": {
        "model": "<model>",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "Hello"}],
    },
    "POST /a2a/<slug>": {"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": {"id": "<run_id>"}},
    "POST /mcp": {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/list",
        "params": {
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
            }
        },
    },
    "POST /api/attachments": {"file": b"text"},
    "POST /api/gpts": {"name": "New"},
    "POST /api/keys": {"name": "new"},
    "PATCH /api/account": {"name": "New"},
    "PATCH /api/operate/model": {"overrides": {"reasons": None}},
    "POST /api/operate/models/<action>": {"name": "good/model"},
    "PATCH /api/gpts/<slug>": {"category": "work"},
    "POST /api/gpts/<slug>/files": {"file": b"text"},
    "POST /api/gpts/<slug>/picture": {"file": b"text"},
    "POST /api/gpts/<slug>/files/<file_id>/replace": {"file": b"text"},
    "POST /api/gpts/<slug>/files/<file_id>/decide": {"decisions": {"3f9a0c1b2d4e": "drop"}},
    "POST /gpts/<slug>/files/<file_id>/correct": {"original": "A passage.", "dropped": "yes"},
    "POST /api/gpts/<slug>/files/<file_id>/passages": {"original": "A passage.", "dropped": True},
    "POST /api/gpts/<slug>/knowledge/ask": {"question": "Which seal?"},
    "POST /api/gpts/<slug>/actions": {"document": "openapi: 3.1.0"},
    "POST /api/gpts/<slug>/actions/preview": {"document": "openapi: 3.1.0"},
    "PATCH /api/gpts/<slug>/actions/<service_id>": {"privacy_url": "https://example.org/privacy"},
    "POST /api/gpts/<slug>/actions/<service_id>/auth": {"kind": "bearer", "secret": "another-key"},
    "POST /api/gpts/<slug>/actions/<service_id>/test": {"operation": "listParts"},
    "POST /api/gpts/<slug>/mcp-servers": {"url": "https://mcp.example.org/mcp"},
    "PATCH /api/gpts/<slug>/mcp-servers/<service_id>": {"trusted": True},
    "POST /api/gpts/<slug>/mcp-servers/<service_id>/auth": {"kind": "bearer", "secret": "another-key"},
    "POST /api/gpts/<slug>/agents": {"card_url": "https://agents.example.org"},
    "PATCH /api/gpts/<slug>/agents/<service_id>": {"timeout_s": 9},
    "POST /api/gpts/<slug>/agents/<service_id>/auth": {"kind": "bearer", "secret": "another-key"},
    "POST /api/gpts/<slug>/delegates": {"gpt": "second"},
    "PUT /api/gpts/<slug>/delegates": [{"gpt": "second", "when": "Prices"}],
    "PATCH /api/gpts/<slug>/delegates/<delegate>": {"when": "Prices"},
    "POST /api/gpts/<slug>/runs": {"text": "Hello"},
    "POST /api/gpts/<slug>/questions/<question_id>": {"answer": "ZP-771."},
    "POST /api/runs/<run_id>/apps/<call_id>/calls": {"tool": "free"},
    "POST /api/runs/<run_id>/apps/<call_id>/resources": {"address": "seats://prices"},
    "POST /api/runs/<run_id>/apps/<call_id>/calls/<app_call_id>/answer": {"allowed": False},
    "POST /api/runs/<run_id>/approve": {"call_id": "w1", "allowed": True},
    "POST /api/runs/<run_id>/creator-question": {"text": "Which seal?"},
    "PATCH /api/conversations/<conversation_id>": {"title": "Changed"},
}
# The headers that requests of a protocol have, by the first part of their route.
PROTOCOLS: Final[dict[str, dict[str, str]]] = {
    "a2a": {"A2A-Version": "1.0"},
    "mcp": {
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/list",
    },
}


def word(name: str) -> str:
    """The secret word called `name` in the table: it survives HTML, JSON and lower case, and nothing else has it."""
    return f"q7{name.replace('-', '')}7q"


@dataclass
class Scene:
    """`people` and API `keys` by role, and what stands in the places of routes.

    `values` maps a place, or a part of a route with it, to the object that the row of a route is about. `others` does
    so for objects in other states, by state.
    """

    people: dict[str, User]
    keys: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    others: dict[str, dict[str, str]] = field(default_factory=dict)

    def states(self, route: str) -> list[str]:
        """The states of other objects that a route can be about, and queries to ask it with."""
        return [
            *(state for state, values in self.others.items() if any(place in route for place in values)),
            *QUERIES.get(route, ()),
        ]

    def path(self, route: str, state: str = "") -> str:
        """The path of a route about the usual object, or about one in this state."""
        return self._filled(route, state) + (state if state.startswith("?") else "")

    def body(self, method: str, route: str, state: str = "") -> Any:
        """The form or JSON to send there."""
        body = BODIES.get(f"{method} {route}", {})
        if "file" in body:
            return {**body, "file": SimpleUploadedFile("b.txt", body["file"])}
        return json.loads(self._filled(json.dumps(body), state))

    def _filled(self, text: str, state: str) -> str:
        for values in (self.others.get(state, {}), self.values):
            for place in sorted(values, key=len, reverse=True):
                text = text.replace(place, values[place])
        return text


def build() -> Scene:
    """Alice owns GPTs, Vera opened the link of one, Bob did too and chats with it. Erin edits that and a sketch.

    Charlie and Oscar have nothing.
    """
    people = {
        "owner": _person("alice", "Alice"),
        "chatter": _person("bob", word("bobs-name")),
        "viewer": _person("vera", word("veras-name")),
        "stranger": _person("charlie", "Charlie"),
        "operator": _person("oscar", "Oscar", is_staff=True),
        "editor": _person("erin", "Erin"),
    }
    keys = {role: create_key(person, word(f"key-of-{role}"), scopes=Scope)[1] for role, person in people.items()}
    keys |= {"revoked": revoked_key_of(people["owner"]), "expired": expired_key_of(people["owner"])}
    ApiKey.objects.update(last_used=timezone.now())
    scene = Scene(people, keys)
    gpts = _gpts(people["owner"], scene)
    for role in ("chatter", "viewer"):
        open_link(people[role], gpts["linked"].link_secret)
    for name, right in (("linked", "edit"), ("sketch", "edit"), ("second", "chat")):
        vouch_for_address(people["editor"])
        shares.share(gpts[name], right, email=people["editor"].email)
    create_gpt(people["chatter"], {"name": f"Pump {word('bobs-gpt')}"})
    _chats(people, gpts, scene)
    _said(people, gpts["linked"], scene)
    imported = ChatImport.objects.create(owner=people["chatter"], name=word("import-name"), size=9, status="done")
    scene.values["<import_id>"] = str(imported.id)
    invited = User.objects.create_user("dana@example.org", name="Dana")
    vouch_for_address(invited)
    shared = shares.share(gpts["linked"], "view", email=invited.email)
    urls = {name: f"https://example.org/{word(name)}" for name in ("webhook-url", "site-webhook-url")}
    hook, _ = webhooks.create(gpts["linked"], urls["webhook-url"], ["review.left"], people["owner"])
    of_site, _ = webhooks.create(None, urls["site-webhook-url"], ["report.filed"], people["operator"])
    waiting = create_gpt(people["owner"], {"name": "Waiting", "instructions": word("waiting-instructions")})
    review = ListingReview.objects.create(gpt=waiting, version=publish(waiting, "me"))
    group = Group.objects.create(name="Class 7b")
    people["chatter"].groups.add(group)
    ModelSurvey.objects.create(found={"catalogue": [], "stored": [], "machine": {"memory": 1}})
    MeasuredModel.objects.create(fingerprint="f", name="bundled")
    ModelDownload.objects.create(name=f"org/{word('download')}", status="downloading", total=9)
    where = {"url": f"http://{word('connected-model')}.corp/v1", "key": seal_key("sk-1", "http://lab.corp")}
    ConnectedModel.objects.create(name="lab", title="Lab", model="m-1", allowed="operators", **where)
    scene.values |= _programs(people["chatter"])
    scene.values |= {
        "<key_id>": str(people["chatter"].api_keys.get().id),
        "/enter/<secret>": urlsplit(create_sign_in_link(invited)).path.rstrip("/"),
        "<uidb36>-<key>": "1-no-such-key",
        "<key>": "no-such-key",
        "docs/<name>": "docs/models",
        "connected/<name>": "connected/lab",
        "hints/<name>": "hints/creator",
        "<rest>": "tasks",
        "<path>": "site.js",
        "models/<action>": "models/stop",
        "<app_label>": "accounts",
        "user/<object_id>": f"user/{people['chatter'].pk}",
        "<person_id>/act/<act>": f"{people['chatter'].pk}/act/sign-out",
        "<person_id>/erase": f"{people['chatter'].pk}/erase",
        "<session_id>": str(UserSession.objects.create(user=people["chatter"], ip="127.0.0.1", session_key="s").pk),
        "<backup_id>": str(Backup.objects.create(path="/backups/a").pk),
        "group/<object_id>": f"group/{group.pk}",
        "groups/<group_id>": f"groups/{group.pk}",
        "people/<person_id>": f"people/{people['chatter'].pk}",
        "group/<group_id>": f"group/{group.pk}",
        "gpt/<object_id>": f"gpt/{gpts['linked'].pk}",
        "people/<share_id>": f"people/{shared.pk}",
        "gpts/<slug>/shares/<share_id>": f"gpts/{gpts['linked'].slug}/shares/{shared.pk}",
        "gpt/<gpt_id>/act/<act>": f"gpt/{gpts['linked'].pk}/act/withdraw",
        "<webhook_id>": str(hook.pk),
        "<action>": "test",
        "<listing_id>": str(review.pk),
        "listingreview/<object_id>": f"listingreview/{review.pk}",
        "operate/webhooks/<webhook_id>": f"operate/webhooks/{of_site.pk}",
        "webhook/<object_id>": f"webhook/{of_site.pk}",
        "webhook/<webhook_id>/act/<act>": f"webhook/{of_site.pk}/act/test",
        "/decisions/<token>": urlsplit(suspended.link(people["chatter"])).path.rstrip("/"),
        "/notifications/stop/<token>": urlsplit(stop_link(people["chatter"], "shares")).path.rstrip("/"),
        "admin/<url>": "admin/nowhere",
        "<api>/<rest>": "api/no/such/page",
        "citations/<number>": "citations/0",
        "sources/<number>": "sources/0",
        "<number>": "1",
        "<page>": "1",
    }
    ids = ("run", "conversation", "file", "service", "action", "question", "attachment", "gpt", "response", "item")
    ids += ("decision", "case", "webhook", "listing")
    ids += ("vector_store", "batch", "schedule", "project", "memory", "collection", "review", "import", "source")
    scene.others["unknown"] = {f"<{name}_id>": str(uuid4()) for name in ids}
    scene.others["unknown"] |= dict.fromkeys(
        (
            "<creator>",
            "<permission_id>",
            "<key_id>",
            "<version_id>",
            "<draft_id>",
            "<change_id>",
            "<grant_id>",
            "<session_id>",
        ),
        "999999",
    )
    return scene


def _said(people: dict[str, User], linked: Gpt, scene: Scene) -> None:
    """Bob's review of a GPT, which Vera reported, and his collection with it; Alice's public page."""
    texts = {"text": word("review-text"), "answer": word("review-answer")}
    review = Review.objects.create(gpt=linked, owner=people["chatter"], stars=4, **texts)
    before = {"decision": "remove", "note": word("decision-note"), "decided": timezone.now()}
    decided = Case.objects.create(review=review, owner=review.owner, **before)
    case = Case.objects.create(review=review, owner=review.owner)
    case.reports.create(owner=people["viewer"], text=word("report-reason"))
    profile = profiles.change(people["owner"], public=True, about=word("profile-about"))
    names = {"name": word("collection-name"), "about": word("collection-about")}
    collection = collections.create(people["chatter"], **names)
    collections.add(collection, linked.slug)
    scene.values |= {
        "<review_id>": str(review.id),
        "<decision_id>": str(decided.id),
        "case/<object_id>": f"case/{case.id}",
        "case/<case_id>/act/<act>": f"case/{case.id}/act/decision",
        "<case_id>": str(case.id),
        "<collection_id>": str(collection.id),
        "<creator>": profile.slug,
    }


def _programs(bob: User) -> dict[str, str]:
    """Bob connected one program; another asks."""
    back = "http://127.0.0.1:1/back"
    program = grants.register("bobs", {"client_name": word("bobs-program"), "redirect_uris": [back]})
    pair = grants.exchange(grants.token("code", grants.grant(bob, program, "http://testserver/mcp", {})))
    assert pair
    grants.register("asks", {"client_name": "Editor", "redirect_uris": [back]})
    asked = {"client_id": "asks", "redirect_uri": back, "response_type": "code", "code_challenge": "c"}
    sent = {"program": "asks", "redirect_uri": back, "state": None, "code_challenge": "c"}
    return {
        "<grant_id>": str(bob.grants.get().id),
        "/authorize": f"/authorize?{urlencode(asked)}",
        "<signed>": signing.dumps(sent, salt="web.mcp.oauth"),
    }


def _person(login: str, name: str, **fields: Any) -> User:
    return User.objects.create_user(f"{word(f'mail-of-{login}')}@example.org", "a-secret-1", name=name, **fields)


def _gpt(owner: User, slug: str, words: str, sharing: str = "", **fields: Any) -> Gpt:
    """A GPT with secret words in each of its texts and in a file; published if `sharing` is given."""
    texts = {name: f"Pump {word(f'{words}-{name}')}" for name in ("name", "description", "instructions")}
    gpt = create_gpt(owner, {"name": slug, "a2a": True, "files_downloadable": True, **fields})
    update_gpt(gpt, {**texts, "starters": [word(f"{words}-starter")], "capabilities": ["memory"]}, by=gpt.owner)
    _file(gpt, words)
    if sharing:
        _publish(gpt, sharing)
    return gpt


def _publish(gpt: Gpt, sharing: str) -> None:
    """Publish the GPT at its address, not at one that follows its name: that is a secret here."""
    slug = gpt.slug
    publish(gpt, sharing)
    Gpt.objects.filter(id=gpt.id).update(slug=slug, former_slug="")
    gpt.refresh_from_db(fields=["slug", "former_slug"])


def _file(gpt: Gpt, words: str) -> KnowledgeFile:
    name, text = f"{word(f'{words}-file')}.txt", FILE_TEXT.format(word(f"{words}-text"))
    file = files.add_file(gpt, name, [text.encode()])
    KnowledgeFile.objects.filter(id=file.id).update(status="ready", segment=f"segment-{words}", n_pages=2)
    file.refresh_from_db()
    return file


def _gpts(alice: User, scene: Scene) -> dict[str, Gpt]:
    gpts = {
        "private": _gpt(alice, "private", "private", Sharing.ME),
        "sketch": _gpt(alice, "sketch", "sketch"),
        "store": _gpt(alice, "store", "store", Sharing.STORE),
        "gone": _gpt(alice, "gone", "gone", Sharing.STORE),
        "linked": create_gpt(alice, {"name": "linked"}),
    }
    delete_gpt(gpts["gone"])
    linked = gpts["linked"] = _gpt(alice, "shared", "live", takes_questions=True, picture="face.webp")
    (settings.MEDIA_ROOT / "face.webp").write_bytes(b"picture")
    host = f"https://{word('action-host')}.example.org"
    oauth = {
        "client_id": word("client-id"),
        "authorize_url": f"{host}/in",
        "token_url": f"{host}/t",
        "scope": word("action-scope"),
    }
    operation = {"name": "listParts", "method": "GET", "path": f"/{word('action-path')}", "summary": ""}
    action = Action(gpt=linked, name=word("action-name"), base_url=host, auth="oauth", listed=[operation])
    action.operations, action.oauth, action.document, action.privacy_url = (
        [operation],
        oauth,
        word("action-document"),
        f"{host}/privacy",
    )
    server = McpServerRow(gpt=linked, name=word("server-name"), url=f"https://{word('server-host')}.example.org/mcp")
    url = f"https://{word('agent-host')}.example.org/a2a"
    agent = RemoteAgentRow(gpt=linked, name=word("agent-name"), card_url=url, url=url, when=word("agent-when"))
    for row in (action, server, agent):
        row.keep_secret(word("service-secret"), by=row.gpt.owner)
        row.save()
    where = {"kind": "git", "url": f"https://{word('source-host')}.example.org/manuals"}
    source = Source(gpt=linked, kind="git", settings=where)
    source.set_secret(word("source-secret"), by=source.gpt.owner)
    source.save()
    add(linked, gpts["private"].slug, word("delegate-when"), by=linked.owner)
    add(linked, gpts["store"].slug, by=linked.owner)
    _publish(linked, Sharing.LINK)
    linked.link_secret = word("link")
    linked.save()
    texts = {name: f"Pump {word(f'draft-{name}')}" for name in ("name", "description", "instructions")}
    update_gpt(linked, {**texts, "starters": [word("draft-starter")]}, by=linked.owner)
    undecided = _file(linked, "draft")
    draft = linked.draft_spec().model_dump(mode="json")
    replaced = GptVersion.objects.create(gpt=linked, data=draft, replaced=timezone.now())
    built = Conversation.objects.create(gpt=linked, version=linked.published, owner=linked.owner, origin="builder")
    message = Message.objects.create(conversation=built, text="Change the draft")
    run = Run.objects.create(message=message, version=linked.published, owner=linked.owner, status="completed")
    now, was = texts["description"], {"description": "Pump"}
    change = DraftChange.objects.create(gpt=linked, run=run, call_id="d1", before=was, after={"description": now})
    scene.values |= {
        "<slug>": linked.slug,
        "<change_id>": str(change.id),
        "<version_id>": str(linked.published_id),
        "<draft_id>": str(replaced.id),
        "<step>": "name",
        "<delegate>": gpts["store"].slug,
        "<model>": linked.slug,
        "<gpt_id>/<name>": f"{linked.id}/face.webp",
        "l/<secret>": f"l/{linked.link_secret}",
        "<slug>/files/<file_id>": f"{linked.slug}/files/{undecided.id}",
        "<action_id>": str(action.id),
        "actions/<service_id>": f"actions/{action.id}",
        "mcp-servers/<service_id>": f"mcp-servers/{server.id}",
        "agents/<service_id>": f"agents/{agent.id}",
        "<source_id>": str(source.id),
    }
    others = {
        name: {"<slug>": gpts[name].slug, "<model>": gpts[name].slug}
        for name in ("private", "sketch", "store", "gone")
    }
    scene.others |= others
    gpts["second"] = create_gpt(alice, {"name": "second"})
    publish(gpts["second"])
    return gpts


def _chats(people: dict[str, User], gpts: dict[str, Gpt], scene: Scene) -> None:
    bob, linked, values = people["chatter"], gpts["linked"], scene.values
    run = _run(bob, linked, "bobs-text")
    _answer(run, gpts["store"])
    waiting = _run(bob, linked, "bobs-waiting-text")
    trees.waits(waiting, raw=word("request-text"), plain=word("request-plain"))
    asking = _run(bob, linked, "bobs-asking-text")
    form = Form(message=word("form-message"), fields=(FormField(name="city"),))
    log.append(asking.id, ApprovalRequest(call_id="w1", name="ask_user", digest="d" * 64, form=form))
    showing = _run(bob, linked, "bobs-showing-text")
    page = keep(showing, "app.json", json.dumps({"html": word("app-page")}).encode(), untrusted=True)
    shown = AppView(file_id=page.id, host="seats.example")
    log.append(showing.id, ToolResult(call_id="t1", name="seats", text="4", app=shown))
    app_call = AppCall.objects.create(
        run=showing, view="t1", tool="free", status="waiting", outcome=word("app-outcome")
    )
    declined = _run(bob, linked, "bobs-declined-text")
    log.append(declined.id, Finished(text="I can’t tell.", coverage="not_covered"))
    _run(people["viewer"], linked, "veras-text")
    _run(people["owner"], linked, "alices-preview-text", Conversation.Origin.PREVIEW)
    deleted = _run(bob, linked, "deleted-text")
    delete_conversation(deleted.message.conversation)
    child, made = Run.objects.get(root=run), run.files.get()
    scene.others["made"] = {"/files/<file_id>": f"/files/{made.id}", "<attachment_id>": str(made.id)}
    for state, other in (("child", child), ("waiting", waiting), ("asking", asking), ("deleted", deleted)):
        scene.others[state] = {
            "<run_id>": str(other.id),
            "<message_id>": str(other.message_id),
            "<conversation_id>": str(other.message.conversation_id),
        }
    scene.others["deleted"]["<response_id>"] = Response.objects.create(owner=bob, run=deleted, request={}).name
    kept = ProgramConversation.objects.create(owner=bob, metadata={"note": word("kept-metadata")})
    text = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": word("kept-text")}]}
    item = ProgramItem.objects.create(conversation=kept, data=text)
    closed = {"answer": word("creator-answer"), "closed": timezone.now()}
    asked = CreatorQuestion(gpt=linked, owner=bob, message=waiting.message, text=word("question"))
    asked.save()
    CreatorQuestion.objects.create(gpt=linked, owner=bob, message=run.message, text=word("old-question"), **closed)
    tomorrow = timezone.now() + timedelta(1)
    invitation, invitation_url = invitations.create(people["operator"], word("invitation"), 9, tomorrow)
    directory_token, _ = directory_tokens.create(people["operator"], word("directory"))
    provider = SignInProvider.objects.create(name="school", is_on=False, table={"title": word("provider")})
    permission = Permission.objects.create(user=bob, gpt=linked, tool="reserve", title=word("permission"))
    memory = memories.add(bob, linked, word("memory"))
    project = projects.create(bob, word("project-name"), word("project-wishes"))
    of_project = projects.add_file(project, f"{word('project-file')}.txt", [b"text"])
    sign_in = SignIn(user=bob, action_id=UUID(values["<action_id>"]), host=word("sign-in-host"))
    sign_in.sealed = sign_in.seal({"access_token": word("service-secret")})
    sign_in.save()
    upload = upload_file(bob, "lines.jsonl", [b"{}"], "batch")
    store = VectorStore.objects.create(owner=bob, name=word("vectors-name"))
    in_store = StoreFile.objects.create(
        store=store, upload=upload, name="a", sha256=upload.sha256, size=2, segment="s", status="ready"
    )
    file_batch = FileBatch.objects.create(owner=bob, store=store.id, files=[str(in_store.id)])
    note = {"note": word("batch-metadata")}
    batch = Batch.objects.create(owner=bob, input=upload.id, metadata=note, expires=timezone.now() + timedelta(1))
    chat = {"runs": [str(run.id)], "metadata": {"note": word("chat-metadata")}, "parallel_tool_calls": True}
    Response.objects.create(owner=bob, run=run, is_chat=True, request=chat)
    waits = QueuedMessage.objects.create(conversation=run.message.conversation, text=word("queued-text"))
    feedback.give(Run.objects.get(id=run.id), False, ["wrong"], word("feedback-text"))
    sent = attached(bob, f"{word('made-file')}.txt")
    seen = start_run(start_conversation(bob, linked), word("shared-text"), [sent.id])
    log.append(seen.id, Finished(text="Yes."))
    link = sharing.create(seen.message.conversation, "people")
    own_link = sharing.create(run.message.conversation, "people")
    told = {"name": word("schedule-name"), "text": word("schedule-text"), "trigger": "webhook"}
    told["callback_url"] = f"https://example.org/{word('schedule-url')}"
    schedule, given = schedules.create(bob, linked, told)
    values |= {
        "<schedule_id>": str(schedule.id),
        "trigger/<secret>": given.trigger_url.partition(f"{schedule.id}/")[2],
    }
    unsent = attached(bob, f"{word('attachment-name')}.txt", word("attachment-text").encode())
    run.refresh_from_db()
    values |= {
        "<run_id>": str(run.id),
        "<message_id>": str(run.message_id),
        "<queued_id>": str(waits.id),
        "<share_id>": str(own_link.id),
        "<token>": link.token,
        "export.<form>": "export.md",
        "<conversation_id>": str(run.message.conversation_id),
        "<response_id>": Response.objects.create(owner=bob, run=run, request={}).name,
        "<completion_id>": f"chatcmpl-{run.id.hex}",
        "v1/conversations/<conversation_id>": f"v1/conversations/conv_{kept.id.hex}",
        "<item_id>": f"msg_{item.id.hex}",
        "<upload>": f"file-{upload.id.hex}",
        "<vector_store_id>": f"vs_{store.id.hex}",
        "<vector_store_id>/files/<file_id>": f"vs_{store.id.hex}/files/file-{upload.id.hex}",
        "file_batches/<batch_id>": f"file_batches/vsfb_{file_batch.id.hex}",
        "v1/batches/<batch_id>": f"v1/batches/batch_{batch.id.hex}",
        "runs/<run_id>/cancel": f"runs/{waiting.id}/cancel",
        "runs/<run_id>/approve": f"runs/{waiting.id}/approve",
        "runs/<run_id>/answer": f"runs/{asking.id}/answer",
        "runs/<run_id>/apps/<call_id>": f"runs/{showing.id}/apps/t1",
        "<app_call_id>": str(app_call.id),
        "c/turn/<run_id>/apps/<call_id>": f"c/turn/{showing.id}/apps/t1",
        "runs/<run_id>/creator-question": f"runs/{declined.id}/creator-question",
        "c/turn/<run_id>/ask-creator": f"c/turn/{declined.id}/ask-creator",
        "<question_id>": str(asked.id),
        "<memory_id>": str(memory.id),
        "<project_id>": str(project.id),
        "projects/<project_id>/files/<file_id>": f"projects/{project.id}/files/{of_project.id}",
        "<permission_id>": str(permission.id),
        "<pk>": "1",
        "<invitation_id>": str(invitation.id),
        "invitation/<object_id>": f"invitation/{invitation.id}",
        "directorytoken/<object_id>": f"directorytoken/{directory_token.pk}",
        "signinprovider/<object_id>": f"signinprovider/{provider.pk}",
        "<key>": "1",
        "join/<secret>": f"join/{invitation_url.rstrip('/').rpartition('/')[2]}",
        "<attachment_id>": str(unsent.id),
        "<file_id>": str(unsent.id),
    }


def _run(owner: User, gpt: Gpt, words: str, origin: str = Conversation.Origin.CHAT) -> Run:
    return start_run(start_conversation(owner, gpt, origin), word(words))


def _answer(run: Run, store: Gpt) -> None:
    """Let `run` search, call a tool that makes a file, ask another GPT, and answer with a citation."""
    file = KnowledgeFile.objects.get(gpt=run.gpt, name__startswith=word("live-file"))
    text = FILE_TEXT.format(word("live-text"))
    place = {"file_id": str(file.id), "file_name": file.name, "segment": file.segment, "chunk": 0, "page": 1}
    passage = Passage(text=text, start=0, end=len(text), **place)
    log.append(run.id, Retrieval(query=word("query"), passages=(passage,), covered=True, n_files=1))
    call = ToolCall(call_id="call_0", name="listParts", arguments={"q": word("argument")})
    log.append(run.id, ModelReply(text="", tool_calls=(call, trees.call_of(store, "call_1", word("task")))))
    made = keep(run, f"{word('made-file')}.txt", word("made-text").encode(), untrusted=False)
    log.append(run.id, ToolResult(call_id="call_0", name="listParts", text=word("result"), files=(made,)))
    trees.end(trees.ask(run, store, word("task"), "call_1"), word("childs-answer"))
    said = f"It is 12. {word('answer')}"
    at = {"quote": text, "start": 0, "end": len(text), "answer_start": 0, "answer_end": 9}
    log.append(run.id, Finished(text=said, citations=(Citation(tag=1, **place, **at),), coverage="covered"))
    pictures_of(file.sha256).mkdir(parents=True, exist_ok=True)
    (pictures_of(file.sha256) / "1.webp").write_bytes(word("page-picture").encode())
