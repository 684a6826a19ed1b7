"""What people report, what operators decide, and appeals."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q

from web.accounts.models import User
from web.builder.models import Gpt
from web.runs.models_chats import Share
from web.store.models import Review

TEXT_CHARS = 1_000


class Reason(models.TextChoices):
    """Why somebody reports something."""

    HARMFUL = "harmful", "Harmful or illegal"
    HATE = "hate", "Hateful or harassing"
    SEXUAL = "sexual", "Sexual content"
    DECEPTIVE = "deceptive", "Scam, spam or misleading"
    RIGHTS = "rights", "Uses somebody’s work or name without permission"
    PRIVATE = "private", "Shows private data"
    OTHER = "other", "Something else"


class Case(models.Model):
    """Something that was reported: a GPT, a review or a shared chat of `owner`. At most one is open for each.

    One that names nothing is about the account itself, which an operator suspended without a report.

    It is open while `decided` is null, and again while there is an appeal that is not `answered`. `note` and `answer`
    are for the owner. `seen`: the owner has had the last decision on their page.
    """

    class Decision(models.TextChoices):
        """What operators can do."""

        NONE = "none", "No action"
        UNLIST = "unlist", "Withdrawn from the store"
        WITHDRAW = "withdraw", "Withdrawn altogether"
        REMOVE = "remove", "Removed"
        SUSPEND = "suspend", "Account suspended"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="cases")
    gpt = models.ForeignKey(Gpt, on_delete=models.CASCADE, null=True, blank=True, related_name="cases")
    review = models.ForeignKey(Review, on_delete=models.CASCADE, null=True, blank=True, related_name="cases")
    share = models.ForeignKey(Share, on_delete=models.CASCADE, null=True, blank=True, related_name="cases")
    created = models.DateTimeField(auto_now_add=True)
    decision = models.CharField(max_length=8, choices=Decision.choices, blank=True)
    note = models.TextField(blank=True)
    decided = models.DateTimeField(null=True, blank=True)
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    appeal = models.TextField(blank=True)
    appealed = models.DateTimeField(null=True, blank=True)
    answer = models.TextField(blank=True)
    answered = models.DateTimeField(null=True, blank=True)
    reversed = models.BooleanField(default=False, help_text="Whether the appeal was granted.")
    seen = models.BooleanField(default=True)

    objects: ClassVar[models.Manager["Case"]]

    class Meta:
        ordering: ClassVar = ["-created", "-id"]
        verbose_name, verbose_name_plural = "reported thing", "reports"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(review=None, share=None) | Q(gpt=None, share=None) | Q(gpt=None, review=None),
                name="case_about_one_thing_at_most",
            ),
            models.CheckConstraint(
                condition=Q(gpt__isnull=False)
                | Q(review__isnull=False)
                | Q(share__isnull=False)
                | Q(decided__isnull=False),
                name="case_about_account_is_decided",
            ),
            *(
                models.UniqueConstraint(fields=[name], condition=Q(decided=None), name=f"case_open_once_per_{name}")
                for name in ("gpt", "review", "share")
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["-created", "-id"], name="case_newest"),
            models.Index(fields=["created"], condition=Q(decided=None), name="case_open"),
            models.Index(fields=["appealed"], condition=Q(answered=None), name="case_appealed"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def kind(self) -> str:
        """What was reported: gpt, review or chat; else account."""
        return "gpt" if self.gpt_id else "review" if self.review_id else "chat" if self.share_id else "account"

    @property
    def title(self) -> str:
        """What it is called where people see it: never a draft's name, unless there is nothing else."""
        if self.gpt:
            return self.gpt.live.name
        if self.review:
            return f"Review of {self.review.gpt.live.name}"
        return str(self.share.conversation) if self.share else self.owner.shown_name

    @property
    def state(self) -> str:
        """open, decided, appealed, or closed, when nothing can follow."""
        if self.decided is None:
            return "open"
        if self.answered or self.decision == self.Decision.NONE:
            return "closed"
        return "appealed" if self.appealed else "decided"


class Report(models.Model):
    """A person's report. Only operators learn who it was."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="reports")
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(max_length=9, choices=Reason.choices, default=Reason.OTHER)
    text = models.TextField(blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["created", "id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["case", "owner"], name="reported_once")]
        indexes: ClassVar = [models.Index(fields=["owner", "created"], name="reports_of_a_day")]

    def __str__(self) -> str:
        return f"{self.reason}: {self.case_id}"
