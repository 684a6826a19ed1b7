"""What operators do with models at servers: list, connect, change, remove."""

from collections.abc import Mapping
from typing import Final

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext, gettext_noop

from web import rpc
from web.accounts import audit
from web.accounts.models import User
from web.builder.models import Gpt
from web.engines import DEFAULT, NO_FALLBACK, READS, Engines, engines, forget
from web.operate.models import MEASURING_LIMIT, MeasuredModel
from web.operate.models_connected import OF_BOTH, ConnectedModel, seal_key

LIST_TIMEOUT_S: Final = 15.0
REFUSALS: Final = {
    "address": gettext_noop("This can’t be the address of a model server. Check it, with its port."),
    "silent": gettext_noop("The server doesn’t answer. Check the address, and that the server is running."),
    "key": gettext_noop("The server refuses the key. Enter the key of this server."),
    "answer": gettext_noop("The server doesn’t list its models. Enter the address of an OpenAI-compatible API."),
}


def refusal(why: str) -> str:
    """The sentence for one of REFUSALS."""
    return gettext(REFUSALS[why])


def models_at(url: str, sealed: str, by: User) -> list[str]:
    """The names of the models of the server at `url`, whose key is `sealed`. Raises ValidationError."""
    task = "workers.tasks.list_server_models"
    try:
        found = rpc.call_for(by.pk, task, url, sealed, queue="tools", timeout_s=LIST_TIMEOUT_S)
    except rpc.NoResult as error:
        raise ValidationError(str(error)) from error
    if refused := found.get("refused"):
        raise ValidationError(refusal(refused))
    if not found["models"]:
        raise ValidationError(gettext("The server has no models yet. Load one there first."))
    return list(found["models"])


@transaction.atomic
def save(row: ConnectedModel, by: User, *, check: bool = False) -> None:
    """Store a model that is new or was changed, and `check` it. Processes see it within seconds."""
    is_new = row._state.adding
    if check:
        row.record, row.check_state, row.check_since, row.check_trouble = None, row.Check.WAITING, None, ""
    row.name = row.name or _free_name(row)
    row.save(force_insert=is_new)
    audit.record(audit.Act.MODEL_CHANGED, by, row, action="connect" if is_new else "edit", model=row.model)
    _changed()


def only_in_file() -> Engines:
    """The models of `engines.toml` that are not connected on the page, by name."""
    connected = {DEFAULT, *ConnectedModel.objects.values_list("name", flat=True)}
    return {name: entry for name, entry in settings.ENGINES.items() if name not in connected}


@transaction.atomic
def import_file(by: User) -> int:
    """Connect the models of `engines.toml` with their keys; from then on, the page counts. Returns how many.

    Raises ValidationError if a connected model has the title of one.
    """
    entries = only_in_file()
    taken = ConnectedModel.objects.filter(title__in=[entry.title for entry in entries.values()]).first()
    if taken:
        raise ValidationError(gettext("Another model has the title {title}.").format(title=taken.title))
    for name, entry in entries.items():
        fields = {field: getattr(entry, field) for field in OF_BOTH}
        row = ConnectedModel(name=name, key=seal_key(entry.key.get_secret_value(), entry.url), **fields)
        save(row, by, check=not entry.ability)
        row.groups.set(Group.objects.filter(name__in=entry.groups))
    return len(entries)


def measured_of(row: ConnectedModel) -> MeasuredModel:
    """What was measured of the model, with the row's overrides; not to be saved."""
    record = row.record or MeasuredModel(name=row.model)
    record.overrides = row.entry().overrides
    return record


@transaction.atomic
def override(row: ConnectedModel, changes: Mapping[str, int | None], by: User) -> None:
    """Set fields of the model's ability by hand; None restores the measured value."""
    kept = {name: value for name, value in {**row.entry().overrides, **changes}.items() if value is not None}
    row.reads_tokens = kept.pop(READS, None)
    row.ability = kept
    row.save(update_fields=["ability", "reads_tokens"])
    audit.record(audit.Act.MODEL_CHANGED, by, row, action="override", **changes)
    _changed()


def ask_check(name: str) -> None:
    """Let a worker check what a model can do."""
    waiting = {"check_state": ConnectedModel.Check.WAITING, "check_since": None, "check_trouble": ""}
    ConnectedModel.objects.filter(name=name).exclude(check_state=ConnectedModel.Check.RUNNING).update(**waiting)


def claim_check() -> ConnectedModel | None:
    """A model whose check the caller begins: one that waits, or whose worker died."""
    states, now = ConnectedModel.Check, timezone.now()
    dead = Q(check_state=states.RUNNING, check_since__lt=now - MEASURING_LIMIT)
    due = ConnectedModel.objects.filter(Q(check_state=states.WAITING) | dead)
    for row in due:
        if due.filter(pk=row.pk).update(check_state=states.RUNNING, check_since=now):
            return row
    return None


def end_check(row: ConnectedModel, record: MeasuredModel | None, trouble: str = "") -> None:
    """Store what came of a check, unless the model has another server by now."""
    found = {"check_state": "", "check_since": None, "check_trouble": trouble[:300]}
    same = ConnectedModel.objects.filter(pk=row.pk, url=row.url, model=row.model)
    same.update(**found, **({"record": record} if record else {}))
    forget()


def most_check_tokens(context_tokens: int) -> int:
    """About what a check reads at most: files up to 40 % of the context, each for up to four questions."""
    return 60_000 + 8 * min(128_000, (context_tokens or 320_000) * 2 // 5)


@transaction.atomic
def pick(name: str, by: User) -> None:
    """Let this connected model answer for GPTs that name none; empty: the site's own."""
    row = ConnectedModel.objects.filter(name=name, allowed=ConnectedModel.Allowed.EVERYONE).first()
    is_it = Q(name=row.name if row else "")
    ConnectedModel.objects.update(is_picked=ExpressionWrapper(is_it, BooleanField()))
    audit.record(audit.Act.MODEL_CHANGED, by, row or DEFAULT, action="pick", model=row.name if row else DEFAULT)
    _changed()


@transaction.atomic
def remove(row: ConnectedModel, by: User) -> None:
    """Forget a model. The default one answers for its GPTs, and for models that fall back to it."""
    audit.record(audit.Act.MODEL_CHANGED, by, row, action="disconnect", model=row.model)
    ConnectedModel.objects.filter(fallback=row.name).update(fallback=DEFAULT)
    row.delete()
    _changed()


def n_gpts(name: str) -> int:
    """How many GPTs name the model, in their draft or published."""
    return Gpt.objects.filter(Q(engine=name) | Q(published__data__model__engine=name), deleted=None).count()


def _changed() -> None:
    forget()
    transaction.on_commit(forget)


def _free_name(row: ConnectedModel) -> str:
    """A name that no model has, from its title."""
    taken = {*engines(), DEFAULT, NO_FALLBACK}
    name = (slugify(row.title).replace("_", "-").strip("-") or "model")[:36]
    return next(each for n in range(1, len(taken) + 2) if (each := f"{name}-{n}" if n > 1 else name) not in taken)
