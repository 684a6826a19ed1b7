"""GPTs: the draft, its published versions, and which others it can ask."""

import uuid
from typing import Any, ClassVar, Final

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.utils.translation import gettext, gettext_noop, ngettext
from pydantic import ValidationError as PydanticError

from gpts.knowledge.languages import LANGUAGES
from gpts.spec.capabilities import CAPABILITIES
from gpts.spec.gpt import (
    DESCRIPTION_CHARS,
    INSTRUCTIONS_CHARS,
    LEAST_TOP_P,
    MAX_REPLY_TOKENS,
    MAX_TEMPERATURE,
    MODEL_FIELDS,
    NAME_CHARS,
    STARTER_CHARS,
    STARTERS,
    WHEN_CHARS,
    DelegateRef,
    GptSpec,
    ModelSettings,
)
from gpts.spec.inputs import MAX_INPUTS, Input
from web.accounts.models import User
from web.builder.categories import OTHER, title_of, validate_category
from web.builder.models_access import GptQuerySet, LinkGrant, Sharing  # noqa: F401 - for Django
from web.builder.models_actions import Action, McpServerRow, RemoteAgentRow, SignIn  # noqa: F401 - for Django
from web.builder.models_files import KnowledgeFile
from web.builder.models_listing import ListingReview  # noqa: F401 - for Django
from web.builder.models_store import SearchEntry, StoreCategory  # noqa: F401 - for Django
from web.builder.models_widgets import Widget, WidgetVisitor  # noqa: F401 - for Django

NOTE_CHARS = 300  # of a version's note
# What a creator lets people do (see `Gpt.lets`), with the titles in lists of changes.
SWITCHES = {
    "takes_questions": gettext_noop("People can send you questions"),
    "files_downloadable": gettext_noop("People can download files"),
    "a2a": gettext_noop("Available as an A2A agent"),
}
# What becomes of the sentences of an answer that the knowledge does not support.
WHO_CAN: Final[dict[str, str]] = {
    Sharing.ME: gettext_noop("Only you can use it."),
    Sharing.LINK: gettext_noop("Anyone with the link can use it."),
    Sharing.STORE: gettext_noop("It’s in the store, where everyone can use it."),
}
UNSUPPORTED = {
    "mark": gettext_noop("Show them, marked"),
    "fold": gettext_noop("Withhold them; people can open them"),
    "withhold": gettext_noop("Withhold them"),
}
# The fields that drafts and versions have in common.
SPEC_FIELDS = (
    *("name", "description", "instructions", "starters", "inputs", "only_from_knowledge", "unsupported"),
    *("capabilities", "delegates_to_all", "delegates_to_store", *SWITCHES),
)


def validate_starters(starters: Any) -> None:
    """Raises ValidationError unless `starters` is a list of non-empty texts within the form's limits."""
    if not isinstance(starters, list) or not all(isinstance(text, str) and text.strip() for text in starters):
        raise ValidationError(gettext("Conversation starters must be a list of non-empty strings."))
    if len(starters) > STARTERS:
        raise ValidationError(
            gettext("Too many: {n} of {limit} conversation starters.").format(n=len(starters), limit=STARTERS)
        )
    longest = max(map(len, starters), default=0)
    if longest > STARTER_CHARS:
        raise ValidationError(
            gettext("A conversation starter is too long: {longest} of {limit} characters.").format(
                longest=longest, limit=STARTER_CHARS
            )
        )


def validate_language(code: Any) -> None:
    """Raises ValidationError unless `code` is one of the languages that texts are told apart in, or empty."""
    if code and code not in LANGUAGES:
        raise ValidationError(gettext("Choose a language by its code, such as “en”."))


def validate_inputs(inputs: Any) -> None:
    """Raises ValidationError unless `inputs` is a list of what `gpts.spec.inputs` describes, each name once."""
    if not isinstance(inputs, list) or len(inputs) > MAX_INPUTS:
        raise ValidationError(gettext("Inputs must be a list of at most {limit}.").format(limit=MAX_INPUTS))
    for number, each in enumerate(inputs, 1):
        try:
            Input.model_validate(each)
        except PydanticError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            reason = f"{place} {first['msg'].removeprefix('Value error, ')}"
            text = gettext("Input {number}: {reason}.").format(number=number, reason=reason)
            raise ValidationError(text) from None
    if len({each["name"] for each in inputs}) < len(inputs):
        raise ValidationError(gettext("Two inputs have the same name."))


def validate_capabilities(capabilities: Any) -> None:
    """Raises ValidationError unless `capabilities` is a list of keys of CAPABILITIES, each once."""
    if not isinstance(capabilities, list) or not all(key in CAPABILITIES for key in capabilities):
        raise ValidationError(gettext("Capabilities must be among {names}.").format(names=", ".join(CAPABILITIES)))
    if len(set(capabilities)) != len(capabilities):
        raise ValidationError(gettext("Each capability can be listed only once."))


class Gpt(models.Model):
    """A GPT: the creator's draft fields, and which immutable version is published."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(max_length=70, unique=True)
    former_slug = models.SlugField(max_length=70, blank=True, help_text="Of pages that may still be open.")
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="gpts")
    name = models.CharField(max_length=NAME_CHARS)
    description = models.CharField(max_length=DESCRIPTION_CHARS, blank=True)
    instructions = models.TextField(  # a TextField's own max_length holds in forms only
        max_length=INSTRUCTIONS_CHARS, blank=True, validators=[MaxLengthValidator(INSTRUCTIONS_CHARS)]
    )
    starters = models.JSONField(default=list, blank=True, validators=[validate_starters])
    inputs = models.JSONField(default=list, blank=True, validators=[validate_inputs])
    category = models.CharField(max_length=20, default=OTHER, validators=[validate_category])
    language = models.CharField(
        max_length=8, blank=True, validators=[validate_language], help_text="ISO 639-1; empty: as its texts."
    )
    only_from_knowledge = models.BooleanField(default=False)
    unsupported = models.CharField(
        max_length=8,
        choices=UNSUPPORTED,
        default="mark",
        help_text="Of sentences that the knowledge does not support.",
    )
    capabilities = models.JSONField(default=list, blank=True, validators=[validate_capabilities])
    delegates_to_all = models.BooleanField(default=False, help_text="Every question goes to all GPTs it can ask.")
    delegates_to_store = models.BooleanField(default=False, help_text="It can ask GPTs from the store.")
    takes_questions = models.BooleanField(default=False, help_text="People can send questions to its creator.")
    a2a = models.BooleanField(default=False, help_text="Available as an A2A agent.")
    files_downloadable = models.BooleanField(default=False, help_text="People can download cited files.")
    temperature = models.FloatField(
        default=0.2, validators=[MinValueValidator(0), MaxValueValidator(MAX_TEMPERATURE)]
    )
    top_p = models.FloatField(default=0.95, validators=[MinValueValidator(LEAST_TOP_P), MaxValueValidator(1)])
    max_tokens = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_REPLY_TOKENS)],
        help_text="Longest answer; empty: as long as the model allows.",
    )
    engine = models.CharField(max_length=40, blank=True, help_text="Name of its model; empty: the site's default.")
    face = models.CharField(max_length=20, blank=True, help_text="Key of an icon; empty: chosen by name.")
    picture = models.ImageField(upload_to="", blank=True)
    sharing = models.CharField(max_length=10, choices=Sharing.choices, default=Sharing.ME)
    link_secret = models.CharField(max_length=50, blank=True)
    featured = models.BooleanField(default=False)
    unlisted = models.DateTimeField(null=True, blank=True, help_text="When an operator kept it out of the store.")
    was_listed = models.BooleanField(default=False, help_text="Whether it was in the store when it was unlisted.")
    withdrawn = models.DateTimeField(null=True, blank=True, help_text="When an operator kept it to its creator.")
    published = models.ForeignKey("GptVersion", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    publish_when_ready = models.BooleanField(default=False, help_text="Publish once every file is ready.")
    awaited_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", help_text="Who waits for that."
    )
    imported = models.JSONField(
        default=dict, blank=True, help_text="Where the draft came from, and what is left to do after that."
    )
    revision = models.PositiveIntegerField(default=0, help_text="Counts changes of the draft's fields.")
    changed_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", help_text="Who made the last one."
    )
    created = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)
    deleted = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[GptQuerySet] = GptQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name, verbose_name_plural = "GPT", "GPTs"
        ordering = ["-changed"]
        indexes = [
            models.Index(fields=["sharing", "category"], name="gpt_store_shelf"),
            # All that counts and orders of the store read, without its long rows: 12 ms less of its front page with
            # 10,000 GPTs (SQLite, 2026-11).
            models.Index(fields=["sharing", "deleted", "-published", "id", "category"], name="gpt_store_newest"),
            models.Index(fields=["-changed"], name="gpt_changed"),
            models.Index(fields=["featured"], condition=Q(featured=True), name="gpt_featured"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_category_display(self) -> str:
        """The title of its category. One query."""
        return title_of(self.category)

    @property
    def live(self) -> "GptSpec | Gpt":
        """What people who may chat with it see of it: never the draft, unless it was never published."""
        return self.published.spec() if self.published else self

    def lets(self, switch: str) -> bool:
        """Whether people may do what this one of SWITCHES lets them.

        It must be on in the live version, and in the draft: turning it off takes effect at once.
        """
        return bool(getattr(self, switch) and self.published and self.published.data.get(switch))

    @property
    def n_chosen(self) -> int:
        """How many people besides its owner it is shared with, and can chat with it now."""
        return 0 if self.withdrawn else self.shares.all().people().exclude(pk=self.owner_id).count()

    @property
    def private_to(self) -> str:
        """Who can chat with it while it is private, in a few words."""
        n = self.n_chosen
        return ngettext("You and {n} person", "You and {n} people", n).format(n=n) if n else str(Sharing.ME.label)

    @property
    def audience(self) -> str:
        """Who can chat with it, in a few words."""
        return self.private_to if self.sharing == Sharing.ME else self.get_sharing_display()

    @property
    def open_to(self) -> str:
        """Who can use it, as a sentence for its owner."""
        if self.sharing == Sharing.ME and (n := self.n_chosen):
            text = ngettext("Only you and {n} person can use it.", "Only you and {n} people can use it.", n)
            return text.format(n=n)
        return gettext(WHO_CAN[self.sharing])

    @property
    def uploads(self) -> "models.QuerySet[KnowledgeFile]":
        """The files of the draft that its creator added, without those of its sources."""
        return self.files.filter(removed=None, source=None)

    @property
    def listed_files(self) -> "models.QuerySet[KnowledgeFile]":
        """Those, and files of sources that wait for a decision."""
        waits = Q(source=None) | Q(status=KnowledgeFile.Status.QUARANTINED)
        return self.files.filter(waits, removed=None)

    def draft_spec(self) -> GptSpec:
        """The draft as a run would use it now. Raises pydantic's ValidationError.

        A file is included once it has a segment; a file that is read again keeps its old segment until then.
        """
        ready = self.files.filter(removed=None).exclude(segment="").order_by("created", "id")
        return GptSpec(
            slug=self.slug,
            **{name: getattr(self, name) for name in SPEC_FIELDS},
            knowledge=tuple(file.ref() for file in ready),
            actions=tuple(action.spec() for action in self.actions.filter(removed=None)),
            mcp_servers=tuple(server.spec() for server in self.mcp_servers.filter(removed=None)),
            delegates=tuple(row.spec() for row in self.delegates.select_related("delegate")),
            remote_agents=tuple(agent.spec() for agent in self.remote_agents.filter(removed=None)),
            model=ModelSettings(**{name: getattr(self, name) for name in MODEL_FIELDS}),
        )


class GptVersion(models.Model):
    """An immutable snapshot of a GPT. `number` counts publications from 1; the draft of a preview has none.

    `replaced`: when a restored version took the place of this draft, which can be restored too. `author` published
    it, or restored what replaced it; nobody if only files of its sources changed, or if their account was erased.
    `note` is for those who edit the GPT, and can be changed.
    """

    gpt = models.ForeignKey(Gpt, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(null=True, blank=True)
    data = models.JSONField()
    created = models.DateTimeField(auto_now_add=True)
    replaced = models.DateTimeField(null=True, blank=True)
    author = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    note = models.CharField(max_length=NOTE_CHARS, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["gpt", "number"], name="version_number_once")]

    def __str__(self) -> str:
        return f"{self.gpt} version {self.number or 'draft'}"

    def spec(self) -> GptSpec:
        """The version's specification, for runs."""
        return GptSpec.model_validate(self.data)


def version_text(path: str) -> KeyTextTransform:
    """The text at a path of a version's data in a query, as “published__data__name”, for `values`.

    Named without this, a text that happens to be JSON (“1984”, “true”) comes from SQLite as what it says there.
    """
    version, keys = path.split("__data__")
    *within, last = keys.split("__")
    place: F | KeyTransform = F(f"{version}__data")
    for key in within:
        place = KeyTransform(key, place)
    return KeyTextTransform(last, place)


class DelegateRow(models.Model):
    """A GPT that the draft of `gpt` can ask. Permission is checked on every call.

    `seen` has its published name, description and starters as the creator of `gpt` last saw them.
    """

    gpt = models.ForeignKey(Gpt, on_delete=models.CASCADE, related_name="delegates")
    delegate = models.ForeignKey(Gpt, on_delete=models.CASCADE, related_name="+")
    when = models.CharField(max_length=WHEN_CHARS, blank=True, help_text="When to ask it.")
    seen = models.JSONField(default=dict, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created", "id"]
        constraints = [
            models.UniqueConstraint(fields=["gpt", "delegate"], name="delegate_once"),
            models.CheckConstraint(condition=~Q(gpt=F("delegate")), name="delegate_is_another"),
        ]

    def __str__(self) -> str:
        return f"{self.gpt} can ask {self.delegate}"

    def spec(self) -> DelegateRef:
        """The entry in a version."""
        texts = self.seen if self.delegate.owner_id != self.gpt.owner_id else {}
        return DelegateRef(gpt_id=str(self.delegate_id), slug=self.delegate.slug, when=self.when, **texts)
