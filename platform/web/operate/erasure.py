"""Erases what people deleted, and whole persons: rows, then (by the sweeps) stored bytes, segments and pictures.

A person's tables are found by their foreign keys, so that one that is added later is covered. What other people have
is theirs and stays: their chats with an erased GPT keep the answers, and what these quote, but neither its texts nor
its files. The account of somebody whose GPTs such chats name is emptied instead of deleted.
"""

from collections.abc import Collection, Iterable
from typing import Any, Final

from allauth.account.models import EmailAddress
from django.contrib.sessions.models import Session
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from gpts.spec.gpt import GptSpec
from web import erasures
from web.accounts.audit import Act, record
from web.accounts.models import User
from web.api.models import Response
from web.builder import fulltext
from web.builder.files import remove_file
from web.builder.models import Gpt, GptVersion
from web.builder.models_actions import Action, McpServerRow, RemoteAgentRow
from web.builder.models_files import KnowledgeFile
from web.builder.models_shares import GptShare
from web.builder.models_sources import Source
from web.builder.models_store import SearchEntry
from web.builder.services import delete_gpt
from web.moderation.models import Case
from web.runs import services
from web.runs.deletion import delete_conversation, empty_deleted
from web.runs.kept_files import KEEP_REMOVED, content_may_go, versions_in_use
from web.runs.models import Conversation, Run
from web.runs.models_chats import Memory
from web.runs.models_imports import ChatImport
from web.schedules.models import Schedule, ScheduledRun

ERASED_NAME: Final = "Deleted GPT"
# In `Gpt.imported` of one whose texts are gone.
_ERASED: Final = {"erased": True}
_NOBODY: Final = "@erased.invalid"
_ROWS: Final[dict[str, type[models.Model]]] = {
    "person": User,
    "chat": Conversation,
    "gpt": Gpt,
    "file": KnowledgeFile,
    "memory": Memory,
}
# What of a GPT's rows other people's chats need, or is their own.
_OF_OTHERS: Final = (GptVersion, Conversation, KnowledgeFile, Schedule)
# What a chat with a GPT that was deleted still shows: its name, and the files behind its sources.
_SHOWN: Final = ("name", "slug", "knowledge")


def erase_due() -> None:
    """Erase persons whose accounts were closed, GPTs that were deleted, and what deleted chats had."""
    for user in User.objects.filter(erased__isnull=False).exclude(email__endswith=_NOBODY):
        erase(user)
    for gpt in Gpt.objects.filter(deleted__lt=timezone.now() - KEEP_REMOVED).exclude(name=ERASED_NAME):
        is_cited = versions_in_use().filter(gpt=gpt).exists()
        if not is_cited or gpt.imported != _ERASED:
            erase_gpt(gpt, wholly=not is_cited)
    empty_deleted()
    of_deleted = Q(run__message__conversation__deleted__isnull=False)
    Response.objects.filter(of_deleted).delete()
    ScheduledRun.objects.filter(of_deleted).exclude(received="").update(received="")


def erase_again(entries: Iterable[tuple[str, str]]) -> int:
    """Erase what a restored backup brought back, by the list of `web.erasures`; how many rows are found again."""
    n_found = 0
    for kind, key in entries:
        for row in _ROWS[kind]._default_manager.filter(pk=key):
            n_found += 1
            match row:
                case User():
                    User.objects.filter(pk=row.pk).update(erased=timezone.now(), is_active=False)
                case Conversation():
                    delete_conversation(row)
                case Gpt():
                    delete_gpt(row)
                case KnowledgeFile():
                    remove_file(row)
                case _:
                    row.delete()
    erase_due()
    return n_found


def erase(user: User) -> None:
    """Erase a person and all that is theirs, with the visitors whom only their widgets know."""
    for visitor in User.objects.filter(widget_visitor__widget__gpt__owner=user).exclude(pk=user.pk):
        erase(visitor)
    for run in user.runs.exclude(status__in=Run.OVER):
        services.cancel_run(run)
    _remove_imports(user)
    with transaction.atomic():
        record(Act.PERSON_ERASED, None, user)
        erasures.note("person", user.pk)
        _forget_address(user)
        reported = list(Case.objects.filter(decided=None, reports__owner=user))
        _forget_edits(user)
        _delete_related(user, keeping=(Gpt,))
        Case.objects.filter(id__in=[case.pk for case in reported], reports=None).delete()  # nothing is left to decide
        for gpt in user.gpts.all():
            erase_gpt(gpt, wholly=True)
        _end_sessions(user.pk)
        if user.gpts.exists():
            _empty(user)
        else:
            user.delete()


def _forget_edits(user: User) -> None:
    """Of other people's GPTs: delete the keys that they entered, and publish nothing that they wait for."""
    Gpt.objects.filter(awaited_by=user).update(publish_when_ready=False)
    for model in (Action, McpServerRow, RemoteAgentRow, Source):
        model._default_manager.filter(secret_by=user).update(secret="")


def _forget_address(user: User) -> None:
    """Delete shares that waited for an address of theirs."""
    own = [user.email, *EmailAddress.objects.filter(user=user).values_list("email", flat=True)]
    GptShare.objects.filter(user=None, group=None, address__in=own).delete()


def erase_gpt(gpt: Gpt, *, wholly: bool) -> None:
    """Erase the texts of a GPT, and its files unless people's chats cite them and it is not to go `wholly`."""
    with transaction.atomic():
        fulltext.remove(list(SearchEntry.objects.filter(gpt=gpt).values_list("id", flat=True)))
        _delete_related(gpt, keeping=_OF_OTHERS)
        used = Q(id__in=Conversation.objects.values("version")) | Q(id__in=Run.objects.values("version"))
        gpt.published = None
        gpt.save(update_fields=["published"])
        versions = GptVersion.objects.filter(gpt=gpt)
        versions.exclude(used).delete()
        shown = () if wholly else _SHOWN
        for version in versions:
            blank = GptSpec(slug=f"deleted-{gpt.pk.hex}", name=ERASED_NAME).model_dump(mode="json")
            version.data = blank | {key: version.data[key] for key in shown}
            version.note = ""
            version.save(update_fields=["data", "note"])
        if wholly:
            gpt.files.all().delete()
        if not versions.exists() and not gpt.files.exists():
            gpt.delete()
            return
        _empty_gpt(gpt, keeps_name=not wholly)


def _empty_gpt(gpt: Gpt, *, keeps_name: bool) -> None:
    kept = {"id", "owner", "created", "sharing", "deleted", *(("name", "slug") if keeps_name else ())}
    fresh = Gpt(slug=f"deleted-{gpt.pk.hex}", name=ERASED_NAME, imported=_ERASED)
    for field in Gpt._meta.concrete_fields:
        if field.name not in kept:
            setattr(gpt, field.attname, getattr(fresh, field.attname))
    gpt.deleted = gpt.deleted or timezone.now()
    gpt.save()


def _delete_related(row: models.Model, keeping: Collection[type[models.Model]]) -> None:
    """Delete the rows of all tables that belong to `row`, except those of `keeping`; others no longer name it."""
    for relation in row._meta.get_fields(include_hidden=True):
        if not isinstance(relation, models.ManyToOneRel):
            continue
        rows = relation.related_model._base_manager.filter(**{relation.field.name: row})
        if relation.on_delete is models.CASCADE and relation.related_model not in keeping:
            rows.delete()
        elif relation.on_delete is models.SET_NULL:
            rows.update(**{relation.field.name: None})


def _empty(user: User) -> None:
    user.email, user.password = f"{user.pk}{_NOBODY}", "!"
    user.name = user.language = ""
    user.hints_seen, user.last_login = [], None
    user.is_staff = user.is_moderator = user.is_superuser = user.is_active = False
    user.groups.clear()
    user.user_permissions.clear()
    user.save()


def _end_sessions(person: Any) -> None:
    own = [each.pk for each in Session.objects.iterator() if each.get_decoded().get("_auth_user_id") == str(person)]
    Session.objects.filter(pk__in=own).delete()


def _remove_imports(user: User) -> None:
    with content_may_go() as may:
        for row in ChatImport.objects.filter(owner=user) if may else ():
            row.path.unlink(missing_ok=True)
