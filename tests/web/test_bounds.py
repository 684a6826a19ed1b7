"""What one person can fill: every table, every task and every pool of threads has a bound, which is named here."""

import configparser
import re
import shlex
from importlib import import_module

import pytest
from django.apps import apps
from django.conf import settings

from web.accounts.quotas import KINDS
from web.celery import app
from web.rpc import RpcTask
from web.runs.fair_queue import SLOTS

# Rows that only operators, their directories and the site itself add.
OPERATORS = (
    "accounts.DirectoryEntry accounts.DirectoryToken accounts.Invitation accounts.Invitation_groups "
    "accounts.LiveSetting accounts.QuotaLimit accounts.SignInProvider accounts.User_user_permissions "
    "admin.LogEntry auth.Group auth.Group_permissions auth.Permission builder.StoreCategory "
    "contenttypes.ContentType operate.Backup operate.ChosenModel operate.ConnectedModel "
    "operate.ConnectedModel_groups operate.MeasuredModel operate.ModelDownload operate.ModelSurvey "
    "socialaccount.SocialApp"
).split()
# Rows of one that is bounded itself: one, or as many as the second name says.
WITHIN = {
    "accounts.SignInLink": "accounts.User",
    "api.Response": "runs.Run",
    "api.SentReply": "runs.Run",
    "builder.LinkGrant": "builder.Gpt",
    "builder.SearchEntry": "builder.Gpt",
    "builder.SignIn": "builder.Action",
    "builder.Widget": "builder.Gpt",
    "runs.DraftChange": "runs.Run",
    "runs.Feedback": "runs.Run",
    "runs.IdempotentRequest": "runs.Run",
    "runs.ImportedChat": "runs.Conversation",
    "runs.Permission": "runs.Run",
    "runs.QueueTurn": "accounts.User",
    "runs.StepRow": "runs.Run",
    "socialaccount.SocialAccount": "accounts.User",
    "socialaccount.SocialToken": "socialaccount.SocialAccount",
    "store.Profile": "accounts.User",
    "store.Standing": "builder.Gpt",
    "usersessions.UserSession": "sessions.Session",
}
# What bounds the rows of the others: a quota, a setting, or what counts or forgets them, as module:name.
BOUNDS = {
    "account.EmailAddress": "setting:ACCOUNT_MAX_EMAIL_ADDRESSES",
    "account.EmailConfirmation": "setting:SIGN_INS_A_MINUTE",
    "accounts.ApiKey": "quota:keys",
    "accounts.AuditRow": "setting:KEEP_AUDIT_DAYS",
    "accounts.DailyUse": "web.accounts.quotas:forget_old",
    "accounts.Delivery": "web.accounts.outbox:MOST_WAITING web.accounts.outbox:forget_old",
    "accounts.GivenGroup": "web.accounts.memberships:MOST_GROUPS",
    "accounts.Grant": "quota:keys",
    "accounts.GrantToken": "web.accounts.grants:forget_grants",
    "accounts.Invitation_people": "web.accounts.invitations:MOST_PEOPLE",
    "accounts.Program": "web.accounts.grants:MAX_UNUSED",
    "accounts.User": "setting:SIGN_INS_A_MINUTE",
    "accounts.User_groups": "web.accounts.memberships:MOST_GROUPS",
    "accounts.Webhook": "web.accounts.webhooks:MOST",
    "api.Batch": "web.api.batches:MAX_OPEN web.api.batches:MAX_KEPT",
    "api.BatchLine": "web.api.batch_lines:MAX_LINES quota:storage_mb",
    "api.FileBatch": "web.api.program_files:KEEP_BATCHES",
    "api.ProgramConversation": "web.api.conversations:MAX_CONVERSATIONS",
    "api.ProgramItem": "web.api.conversations:MAX_ITEMS",
    "builder.Action": "gpts.spec.actions:MAX_ACTIONS web.builder.actions:MAX_REMOVED",
    "builder.DelegateRow": "gpts.spec.gpt:MAX_DELEGATES",
    "builder.Gpt": "quota:gpts web.builder.services:DELETED_A_DAY",
    "builder.GptShare": "web.builder.shares:MOST",
    "builder.GptVersion": "web.builder.services:VERSIONS_A_DAY web.runs.kept_files:KEPT_VERSIONS",
    "builder.KnowledgeFile": "quota:storage_mb setting:MAX_FILES_PER_GPT gpts.spec.sources:MOST_FILES",
    "builder.ListingReview": "web.builder.services:VERSIONS_A_DAY",
    "builder.McpServerRow": "gpts.spec.actions:MAX_ACTIONS web.builder.actions:MAX_REMOVED",
    "builder.RemoteAgentRow": "gpts.spec.gpt:MAX_DELEGATES web.builder.actions:MAX_REMOVED",
    "builder.Source": "gpts.spec.sources:MOST_SOURCES",
    "builder.SourceCheck": "web.builder.sources:KEPT_CHECKS",
    "builder.SourceItem": "gpts.spec.sources:MOST_FILES",
    "builder.WidgetVisitor": "setting:NEW_VISITORS_A_MINUTE web.builder.widgets:forget_visitors",
    "mfa.Authenticator": "setting:SIGN_INS_A_MINUTE",
    "moderation.Case": "web.moderation.cases:MAX_A_DAY",
    "moderation.Report": "web.moderation.cases:MAX_A_DAY",
    "runs.AppCall": "web.runs.app_calls:PER_RUN",
    "runs.ChatImport": "web.runs.chat_imports:MAX_OPEN web.runs.chat_imports:MAX_KEPT",
    "runs.Conversation": "quota:messages quota:storage_mb",
    "runs.ConversationFile": "quota:storage_mb web.runs.files:MAX_UPLOADS",
    "runs.CreatorQuestion": "web.runs.creator_questions:MAX_PER_DAY",
    "runs.DelegationRow": "setting:DELEGATION_RUNS",
    "runs.Memory": "web.runs.memories:ALL_CHARS",
    "runs.Message": "quota:messages quota:storage_mb",
    "runs.Project": "web.runs.projects:MAX_PROJECTS",
    "runs.QueuedMessage": "web.runs.queued:MAX_QUEUED",
    "runs.Run": "quota:messages quota:storage_mb setting:DELEGATION_RUNS",
    "runs.Share": "setting:API_REQUESTS_A_MINUTE setting:CHANGES_A_MINUTE",
    "runs.StoreFile": "web.api.store_rows:MAX_FILES web.api.store_rows:MAX_ALL_FILES",
    "runs.VectorStore": "web.api.store_rows:MAX_STORES",
    "schedules.Schedule": "quota:schedules",
    "schedules.ScheduledRun": "web.schedules.services:MAX_WAITING web.schedules.services:forget_old_runs",
    "sessions.Session": "setting:SIGN_INS_A_MINUTE web.operate.tidying:tidy",
    "store.Collection": "web.store.collections:MAX_COLLECTIONS",
    "store.CollectionItem": "web.store.collections:MAX_GPTS",
    "store.Review": "web.store.reviews:MAX_A_DAY",
}
# Tasks whose callers don't wait: those that take what waits in a slot of a kind of work, and those that are short, or
# that one worker at a time does by a claim or a lock, whoever sent them.
IN_SLOTS = {
    "advance": ("model", "tools"),
    "check_sources": ("sources",),
    "deliver_results": ("deliver",),
    "import_chats": ("imports",),
    "index_file": ("index",),
    "work_batches": ("batches",),
}
OF_THE_SITE = (
    "back_up build_union download_models erase forget refresh_standings refresh_store run_schedules start_queued "
    "wake_stalled_runs watch"
).split()
# By worker of deploy/supervisor.conf.
SLOTS_OF = {
    "model": ("model",),
    "tools": ("tools", "sources", "batches", "deliver"),
    "index": ("index", "imports"),
}
# For calls that somebody waits for, and what the site itself has to do.
SPARE_THREADS = 6


def test_every_table_has_a_bound() -> None:
    tables = [model._meta.label for model in apps.get_models(include_auto_created=True)]
    assert sorted([*OPERATORS, *WITHIN, *BOUNDS]) == sorted(tables)
    assert set(WITHIN.values()) <= {*WITHIN, *BOUNDS}


@pytest.mark.parametrize("bound", sorted({each for bounds in BOUNDS.values() for each in bounds.split()}))
def test_every_bound_is_there(bound: str) -> None:
    where, _, name = bound.partition(":")
    match where:
        case "quota":
            assert name in KINDS
        case "setting":
            assert getattr(settings, name)
        case _:
            assert getattr(import_module(where), name)


def test_every_task_takes_what_waits_in_slots_or_is_counted_by_its_callers() -> None:
    """Calls that somebody waits for are counted by person: tests/web/test_rpc.py."""
    import_module("workers.tasks")
    own = {name.rpartition(".")[2]: task for name, task in app.tasks.items() if name.startswith("workers.")}
    sent = {name for name, task in own.items() if not isinstance(task, RpcTask)}
    assert sent == {*IN_SLOTS, *OF_THE_SITE}
    assert {slot for slots in IN_SLOTS.values() for slot in slots} == set(SLOTS)
    text = (settings.REPOSITORY / "workers/tasks.py").read_text()
    taken = set(re.findall(r"work_through\((\w+|\"\w+\")", text))
    assert taken == {"queue", *(f'"{slot}"' for slots in list(IN_SLOTS.values())[1:] for slot in slots)}


@pytest.mark.parametrize("worker", SLOTS_OF)
def test_full_slots_leave_threads_for_whoever_waits(worker: str) -> None:
    programs = configparser.RawConfigParser(strict=False)
    programs.read(settings.REPOSITORY / "deploy/supervisor.conf")
    options = shlex.split(programs[f"program:{worker}"]["command"])
    threads = next(int(each.partition("=")[2]) for each in options if each.startswith("--concurrency="))
    assert threads - sum(SLOTS[slot] for slot in SLOTS_OF[worker]) >= SPARE_THREADS
    assert sorted(slot for slots in SLOTS_OF.values() for slot in slots) == sorted(SLOTS)
