"""Writes conversations and runs, for pages and API. Each write is one transaction; workers wake on commit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, Final, Literal
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from gpts.runs.background import Background
from gpts.runs.messages import PromptMessage
from gpts.runs.overrides import Overrides
from gpts.runs.steps import Cancelled, Log, Step, UserMessage
from gpts.safety.invisible_characters import visible
from gpts.safety.labels import Label, join
from gpts.spec.gpt import GptSpec
from web.accounts import quotas
from web.accounts.models import User
from web.builder import widgets
from web.builder.models import Gpt, GptVersion
from web.builder.versions import preview_version, snapshot
from web.runs import drafts, ending, files, inputs_of, log, memories, mentions, projects, stream
from web.runs.branches import Branches, shown_in
from web.runs.errors import (
    EmptyMessage,
    GuestGone,
    MessageTooLong,
    NotPublished,
    Refused,
    RunOver,
    StillAnswering,
    over_quota,
)
from web.runs.fair_queue import is_low
from web.runs.models import Conversation, Message, Run
from web.runs.models_chats import Project
from web.runs.models_imports import ImportedChat
from web.runs.titles import next_title, shorten

# What a new message may change of its conversation.
_CHANGED: Final = ("changed", "title", "guest", "archived", "version")


def start_conversation(
    user: User,
    gpt: Gpt,
    origin: str = Conversation.Origin.CHAT,
    project: Project | None = None,
    inputs: Mapping[str, Any] | None = None,
    *,
    fills_in: bool = True,
    version: GptVersion | None = None,
) -> Conversation:
    """A new conversation pinned to the published version, or to the draft for a preview. `start_run` stores it.

    `version` is another one for a preview, from `version_to_try`.

    `gpt` must come from `access_gpt` (or `access_draft` for a preview and to build it). `inputs` are values of its
    inputs, which have their defaults unless somebody `fills_in` some. Raises NotPublished, and InvalidInputs for
    these and for others that it needs.
    """
    version = version or _version(gpt, origin)
    spec = version.spec()
    values = inputs_of.checked(spec, inputs or {}) if fills_in else inputs_of.defaults(spec)
    return Conversation(gpt=gpt, version=version, owner=user, origin=origin, project=project, inputs=values)


def _version(gpt: Gpt, origin: str) -> GptVersion:
    if origin == Conversation.Origin.PREVIEW:
        return preview_version(gpt)
    if origin == Conversation.Origin.BUILDER:
        return snapshot(gpt, drafts.builder_spec(gpt.engine))
    if gpt.published is None:
        raise NotPublished
    return gpt.published


@dataclass(frozen=True, slots=True)
class Sent:
    """What a program or an event sends along with a message: see `UserMessage` for each field."""

    earlier: tuple[PromptMessage, ...] = ()
    later: tuple[PromptMessage, ...] = ()
    replies_label: Label | None = None
    overrides: Overrides = Overrides()  # noqa: RUF009 (frozen)
    is_side_task: bool = False
    label: Label = Label()  # noqa: RUF009 (frozen)
    own_words: bool = True
    received: str = ""


def start_run(
    conversation: Conversation,
    text: str,
    attachments: Sequence[UUID] = (),
    mention: str = "",
    stay: bool = False,
    sent: Sent | None = None,
    edited: Message | None = None,
) -> Run:
    """The queued run that will answer `text`, which may be empty with files, as the next message of the conversation.

    `attachments` are ids of the owner's files. `mention` is the slug of another GPT that answers instead, as does one
    that `text` starts with (“@name …”); with `stay` it also answers later messages, until dismissed. A program that
    sends its conversation along keeps to the model's context itself. Stores nothing if it raises EmptyMessage,
    MessageTooLong, StillAnswering, StillReading, OverQuota, GuestGone, Refused.
    """
    text = checked_text(text, attachments, is_page=sent is None or edited is not None or bool(sent.received))
    text = inputs_of.filled_starter(conversation, text)
    try:
        with transaction.atomic(), over_quota():
            _check_free(conversation)
            conversation.version = answering_version(conversation)
            chosen = mentions.choose(conversation, text, mention)
            spec = chosen.version.spec()
            if not (chosen.text or attachments):
                raise EmptyMessage(gettext("Enter a message for {name}.").format(name=spec.name))
            attached = files.claim(conversation, attachments, spec)
            title = shorten(text or ", ".join(file.name for file in attached))
            is_new = conversation.is_new
            after = None if is_new else edited.after_id if edited else shown_in(conversation)
            message = _keep(conversation, text, title, chosen.gpt if stay else None, after)
            guest_id = str(chosen.gpt.id) if chosen.gpt else ""
            facts = {each.name: getattr(sent, each.name) for each in fields(sent)} if sent else {}
            background = _background(conversation, chosen.version, spec)
            own = {"text": chosen.text, "attachments": attached, "guest_id": guest_id, "background": background}
            first = UserMessage(**own, project_files=projects.files_for(conversation), **facts)
            return _queue(message, first, chosen.version, is_new)
    except GuestGone:
        dismiss_guest(conversation)  # so that the next message gets an answer
        raise


def is_imported(conversation: Conversation) -> bool:
    """Whether it came from another system."""
    return ImportedChat.objects.filter(conversation=conversation.pk).exists()


def answering_version(conversation: Conversation) -> GptVersion:
    """The version that answers next.

    Of a preview of the draft, that as it is now, with the chosen model; of the builder, the one with the draft's
    model; in a chat that was imported into the person's own GPT, the newest.
    """
    version, gpt = conversation.version, conversation.gpt
    newest = gpt.published if gpt.owner_id == conversation.owner_id else None
    if newest and newest != version and is_imported(conversation):
        return newest
    if conversation.origin == Conversation.Origin.BUILDER:
        return _version(gpt, conversation.origin)
    if conversation.origin != Conversation.Origin.PREVIEW or version.number is not None:
        return version
    spec, engine = gpt.draft_spec(), version.spec().model.engine
    return snapshot(gpt, spec.model_copy(update={"model": spec.model.model_copy(update={"engine": engine})}))


def _background(conversation: Conversation, version: GptVersion, spec: GptSpec) -> Background:
    """What the GPT of this version knows before it reads a message in the conversation."""
    background = memories.background_of(conversation, version.gpt, spec.capabilities)
    background = drafts.with_draft(projects.with_project(background, conversation), conversation)
    return inputs_of.with_inputs(_dated(background), spec, conversation)


def _dated(background: Background) -> Background:
    return background.model_copy(update={"today": timezone.localdate()})


def checked_text(text: str, attachments: Sequence[UUID], is_page: bool = True) -> str:
    """The text of a message as it is kept, without what nobody sees. Raises EmptyMessage, MessageTooLong."""
    text = visible(text).strip()
    if not (text or attachments):
        raise EmptyMessage
    if is_page and len(text) > settings.MAX_MESSAGE_CHARS:
        raise MessageTooLong
    return text


def _keep(conversation: Conversation, text: str, title: str, guest: Gpt | None, after: UUID | None) -> Message:
    conversation.changed = timezone.now()
    conversation.title = next_title(conversation, title)
    conversation.guest = guest or conversation.guest
    conversation.archived = None  # who writes in it uses it again
    conversation.save(update_fields=None if conversation.is_new else _CHANGED)
    return Message.objects.create(conversation=conversation, text=text, after_id=after)


def edit(message: Message, text: str, attachments: Sequence[UUID] | None = None) -> Run:
    """The run for a new version of `message`, in a branch of its own, with those of its files that are `attachments`.

    None are all of them. The GPT that answered it answers again. Raises what `start_run` raises.
    """
    last = message.runs.select_related("version__gpt").latest("created")
    first = log.first(last.id)
    files = [UUID(file.id) for file in first.attachments if file.id]
    kept = files if attachments is None else [id for id in files if id in attachments]
    is_foreign = bool(first.received) or not first.own_words
    sent = Sent(label=first.label, received=first.received, own_words=first.own_words) if is_foreign else None
    conversation = message.conversation
    mention = "" if last.gpt.id == conversation.gpt_id else last.gpt.slug
    mention = "" if text.lstrip().startswith("@") else mention
    return start_run(conversation, text, kept, mention, sent=sent, edited=message)


def dismiss_guest(conversation: Conversation) -> None:
    """Let the conversation's own GPT answer again."""
    conversation.guest = None
    conversation.save(update_fields=["guest"])


def regenerate(message: Message) -> Run:
    """A new run for `message`, whose answer is shown instead. Raises StillAnswering, OverQuota, Refused."""
    conversation = message.conversation
    with transaction.atomic(), over_quota():
        _check_free(conversation)
        last = message.runs.select_related("version__gpt__published").latest("created")
        mentions.check_available(conversation, last.gpt)
        first = log.first(last.id)
        background = _dated(drafts.with_draft(first.background, conversation))  # both may have changed since
        version = answering_version(conversation) if last.gpt.id == conversation.gpt_id else last.version
        return _queue(message, first.model_copy(update={"background": background}), version)


def _check_free(conversation: Conversation) -> None:
    # Locks both rows, so that only one of two sends at once succeeds, none uses a stale guest, and all are counted.
    person = conversation.owner_id
    quotas.lock(person)
    if not conversation.is_new:
        now = Conversation.objects.select_for_update().get(id=conversation.id)
        conversation.guest, conversation.shown_id = now.guest, now.shown_id
    # What runs while nobody waits takes no place from what the person does meanwhile, nor the other way round.
    answering = Run.objects.filter(owner=person, root=None, is_low=is_low()).exclude(status__in=Run.OVER)
    conversations = answering.values_list("message__conversation", flat=True)
    if conversation.id in conversations:
        raise StillAnswering
    limits = quotas.limits_of(person)
    quotas.check(person, "runs", len(conversations), limits=limits)
    quotas.check(person, "tokens", quotas.used_today(person).get("tokens", 0), limits=limits)
    quotas.take(person, "messages", limits=limits)
    if conversation.origin == Conversation.Origin.WIDGET:
        widgets.count_message(person, conversation.gpt)


def _queue(message: Message, first: UserMessage, version: GptVersion, is_new: bool = False) -> Run:
    conversation = message.conversation
    run = Run(message=message, version=version, owner_id=conversation.owner_id, is_low=is_low())
    before = partial(_runs_before, message)
    lost = Label() if is_new else files.label_of_lost(conversation, version.gpt, before, first.files)
    log.begin(run, first.model_copy(update={"label": join((first.label, lost))}))
    if not is_new:
        conversation.shown = run
        conversation.save(update_fields=["shown"])
    return run


def cancel_run(run: Run) -> bool:
    """Whether this call stopped the run, which keeps the text shown so far. False when it was already over."""
    try:
        ending.end(run.id, Cancelled(text=stream.partial_text(run.id)))
    except RunOver:
        return False
    return True


def finish_run(run_id: UUID, last: Step, lease: str) -> None:
    """Append the run's last step and notify its readers and waiting parents. Raises LeaseLost, RunOver."""
    ending.end(run_id, last, lease)


def history(run: Run) -> tuple[Log, ...]:
    """The logs of the turns before this run's message in its branch, oldest first.

    Those that a stranger's GPT answered, such as a mentioned one, are labelled as its text.
    """
    before = _runs_before(run.message)
    strangers = Run.objects.filter(id__in=before).exclude(version__gpt__owner__in=[run.owner_id, run.gpt.owner_id])
    labels = {each.id: each.author_label(run.gpt) for each in strangers.select_related("version__gpt")}
    return tuple(_labelled(log.read(run_id), labels.get(run_id)) for run_id in before)


def _labelled(steps: Log, author: Label | None) -> Log:
    """The log of a turn with its author's label on the first step, as a turn that was stopped has no other."""
    first = steps[0]
    if author is None or not isinstance(first, UserMessage):
        return steps
    return (first.model_copy(update={"label": join((first.label, author))}), *steps[1:])


def _runs_before(message: Message) -> list[UUID]:
    return Branches(message.conversation).before(message.id) if message.after_id else []


def rename_conversation(conversation: Conversation, title: str) -> None:
    """Set the conversation's title. Raises Refused when it is empty."""
    title = " ".join(visible(title).split())[:120]
    if not title:
        raise Refused(gettext("Enter a name."))
    conversation.title = title
    conversation.save(update_fields=["title"])


def mark_conversation(conversation: Conversation, mark: Literal["pinned", "archived"], is_set: bool) -> None:
    """Keep the chat above the others, or take it out of the list without deleting it; or no longer."""
    since = getattr(conversation, mark)
    setattr(conversation, mark, (since or timezone.now()) if is_set else None)
    conversation.save(update_fields=[mark])
