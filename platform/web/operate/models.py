"""The base model that an operator chose, those on this machine and their downloads, measurements, and overrides."""

from datetime import timedelta
from typing import ClassVar, Final, get_args

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy

from gpts.spec.base_models import MAX_NAME_CHARS
from web.engines import READS, Ability
from web.operate.models_backup import Backup  # noqa: F401 - for Django
from web.operate.models_connected import ConnectedModel  # noqa: F401 - for Django

# After this long without a result the worker is taken for dead.
MEASURING_LIMIT: Final = timedelta(minutes=60)
# How long the next check of a model waits after one that failed, and after more of them: each may cost money.
PAUSES: Final = (timedelta(hours=1), timedelta(days=1))
# How long a download is its process's without a report, which is due every second: longer than one takes to start.
CLAIM: Final = timedelta(seconds=30)
OVERRIDABLE: Final[tuple[Ability, ...]] = get_args(Ability)


class ChosenModel(models.Model):
    """The base model that an operator chose: one row. `base_model` is a path, or "bundled".

    `trouble` says why workers could not load the one chosen last, and went back to this.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    base_model = models.CharField(max_length=1000)
    chosen_at = models.DateTimeField(default=timezone.now)
    trouble = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=models.Q(id=1), name="one_chosen_model")
        ]

    def __str__(self) -> str:
        return self.base_model


class ModelSurvey(models.Model):
    """What workers.model_survey found last about the models and its machine, as JSON for pages: one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    found = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=models.Q(id=1), name="one_model_survey")
        ]


class ModelDownload(models.Model):
    """A model that an operator looked up or downloads. A process claims the row with a random `claim`.

    `name` is a short name of the catalogue or the one on the hub. `accepted` is the licence that somebody accepted
    ("": none yet), `licence` the one that the hub states. `automatic`: begun by BASE_MODEL=auto, to be used at once.
    Sizes in bytes, `speed` in bytes per second.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", gettext_lazy("Waiting")
        DOWNLOADING = "downloading", gettext_lazy("Downloading")
        OFFERED = "offered", gettext_lazy("Waiting for you")
        FAILED = "failed", gettext_lazy("Failed")
        CANCELLED = "cancelled", gettext_lazy("Stopped")
        DONE = "done", gettext_lazy("Downloaded")

    IN_PROGRESS: ClassVar = (Status.WAITING, Status.DOWNLOADING)

    name = models.CharField(max_length=MAX_NAME_CHARS, unique=True)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.WAITING)
    accepted = models.CharField(max_length=300, blank=True)
    licence = models.CharField(max_length=300, blank=True)
    misfit = models.CharField(max_length=300, blank=True)
    total = models.BigIntegerField(default=0)
    done = models.BigIntegerField(default=0)
    speed = models.FloatField(default=0.0)
    error = models.CharField(max_length=500, blank=True)
    path = models.CharField(max_length=1000, blank=True)
    automatic = models.BooleanField(default=False)
    retry_at = models.DateTimeField(null=True, blank=True)
    claim = models.CharField(max_length=32, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name

    @property
    def percent(self) -> int:
        """How much is here, from 0 to 100."""
        return self.done * 100 // max(self.total, 1)

    @property
    def is_stalled(self) -> bool:
        """Whether its process has not reported for a third of its claim. Another one follows."""
        return self.claimed_until is not None and self.claimed_until < timezone.now() + CLAIM * 2 / 3

    @property
    def seconds_left(self) -> float | None:
        """None while that is not known."""
        return (self.total - self.done) / self.speed if self.speed > 0 else None


class MeasuredModel(models.Model):
    """A base model, identified by a fingerprint of its weights and chat template.

    `figures` holds right and wrong cases by part, `measured` the fields of ModelAbility that follow from them,
    `overrides` those that an operator set. `measuring_since`: when the worker that is measuring it began. `failure`
    says why the last check failed, and `retry_at` when the next may begin. `seen_at` is None for models that were
    only measured at a connected server.
    """

    fingerprint = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=200)
    figures = models.JSONField(default=dict)
    measured = models.JSONField(default=dict)
    overrides = models.JSONField(default=dict)
    seconds = models.FloatField(default=0.0)
    measuring_since = models.DateTimeField(null=True, blank=True)
    measured_at = models.DateTimeField(null=True, blank=True)
    failure = models.CharField(max_length=500, blank=True)
    retry_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(default=timezone.now, null=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-seen_at"]

    def __str__(self) -> str:
        return self.name

    @property
    def title(self) -> str:
        """The name for people."""
        return "SmolLM2-135M-Instruct" if self.name == "bundled" else self.name.replace("--", "/", 1)

    def known(self) -> dict[str, int]:
        """The fields of ModelAbility that were measured or overridden."""
        found = {**self.measured, **self.overrides}
        return {name: found[name] for name in (*OVERRIDABLE, READS) if name in found}
