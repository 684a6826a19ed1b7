"""Writes about the base models: chosen and overridden by operators, measured once by a worker."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from gpts.spec.base_models import AUTO, BUNDLED
from web.accounts import audit
from web.accounts.models import User
from web.engines import DEFAULT, MOST_READS, READS, Ability, answering, engines
from web.operate.models import MEASURING_LIMIT, OVERRIDABLE, PAUSES, ChosenModel, MeasuredModel
from web.operate.models_connected import ConnectedModel


def seen_model(fingerprint: str, name: str) -> MeasuredModel:
    """The record of the model that a worker has loaded now, which becomes the current one.

    Every model worker calls this every few seconds, so nothing is written while nothing changed.
    """
    record, _ = MeasuredModel.objects.get_or_create(fingerprint=fingerprint, defaults={"name": name})
    if record.name != name or record != current_model():
        record.name, record.seen_at = name, timezone.now()
        record.save(update_fields=["name", "seen_at"])
    return record


def current_model() -> MeasuredModel | None:
    """The model that a worker loaded last; None before any worker ran."""
    return MeasuredModel.objects.exclude(seen_at=None).first()


def model_sees(name: str = "") -> bool:
    """Whether the model called `name` sees pictures; empty: the one for GPTs that name none."""
    return model_can("sees_images", name)


def model_can(ability: Ability, name: str = "") -> bool:
    """Whether the model called `name` is known to have this ability; empty: the one for GPTs that name none."""
    return bool(abilities_of(name).get(ability))


def abilities_of(name: str = "") -> Mapping[str, int]:
    """What is known of the model called `name`, or of the one for GPTs that name none; empty if nothing is."""
    if (found := answering(name)) != DEFAULT:
        return engines()[found].known
    record = current_model()
    return record.known() if record else {}


def any_model_can(ability: Ability) -> bool:
    """Whether one of the models is known to have this ability, so that some chats can make use of it."""
    return any(model_can(ability, name) for name in engines())


def known_ability(fingerprint: str) -> dict[str, int]:
    """What was measured or overridden of the model's ability; empty if it never ran here."""
    record = MeasuredModel.objects.filter(fingerprint=fingerprint).first()
    return record.known() if record else {}


def note_state(name: str, is_ready: bool) -> None:
    """Store whether the server of a connected model answered a worker last."""
    ConnectedModel.objects.filter(name=name).exclude(is_ready=is_ready).update(is_ready=is_ready)


def choose_model(base_model: str) -> None:
    """Make the model at a path, or "bundled", the one that workers change to within ten seconds."""
    values = {"base_model": base_model, "chosen_at": timezone.now(), "trouble": ""}
    ChosenModel.objects.update_or_create(id=1, defaults=values)


def chosen_model() -> ChosenModel | None:
    """What an operator chose; None if nothing."""
    return ChosenModel.objects.first()


def fixed_model() -> str:
    """The model that BASE_MODEL names, before which no choice counts; empty if it leaves the choice."""
    return "" if settings.BASE_MODEL in (BUNDLED, AUTO) else settings.BASE_MODEL


def refuse_model(refused: str, kept: str, trouble: str) -> None:
    """Go back to the model `kept`, and say why the chosen one, `refused`, could not be loaded."""
    ChosenModel.objects.filter(base_model=refused).update(base_model=kept, trouble=trouble[:500])


def claim_measuring(record: MeasuredModel) -> bool:
    """Whether the caller should measure the model now: it was not measured, and nobody does, or failed just before.

    There is nothing to measure where an operator set every ability.
    """
    if record.overrides.keys() >= set(OVERRIDABLE):
        return False
    unclaimed = Q(measuring_since=None) | Q(measuring_since__lt=timezone.now() - MEASURING_LIMIT)
    is_due = Q(retry_at=None) | Q(retry_at__lte=timezone.now())
    rows = MeasuredModel.objects.filter(unclaimed, is_due, id=record.id, measured_at=None)
    return rows.update(measuring_since=timezone.now()) == 1


def save_measurement(
    record: MeasuredModel, figures: Mapping[str, Any], measured: Mapping[str, int], seconds: float
) -> None:
    """Save the measurement."""
    values: dict[str, Any] = {"figures": dict(figures), "measured": dict(measured), "seconds": seconds}
    values |= {"measured_at": timezone.now(), "measuring_since": None, "failure": "", "retry_at": None}
    MeasuredModel.objects.filter(id=record.id).update(**values)


def give_up_measuring(record: MeasuredModel, why: str) -> None:
    """Let a worker measure the model later: in an hour after the first failure, then in a day."""
    rows = MeasuredModel.objects.filter(id=record.id)
    retry_at = timezone.now() + PAUSES[rows.exclude(retry_at=None).exists()]
    rows.update(measuring_since=None, failure=why[:500], retry_at=retry_at)


def measure_again(record: MeasuredModel) -> None:
    """Let a worker measure the model at its next beat, although that failed."""
    MeasuredModel.objects.filter(id=record.id).update(failure="", retry_at=None)


def override(record: MeasuredModel, changes: Mapping[str, int | None], by: User | None = None) -> None:
    """Set fields of the model's ability by hand; None restores the measured value. Raises ValueError."""
    names = (*OVERRIDABLE, READS)
    if unknown := set(changes).difference(names):
        raise ValueError(f"There is no ability “{sorted(unknown)[0]}”. There are: {', '.join(names)}.")
    if not 0 <= (changes.get(READS) or 0) <= MOST_READS:
        raise ValueError(f"{READS} must be at most {MOST_READS}.")
    kept = {**record.overrides, **changes}
    record.overrides = {name: value for name, value in kept.items() if value is not None}
    record.save(update_fields=["overrides"])
    audit.record(audit.Act.MODEL_CHANGED, by, record, action="override", **changes)
