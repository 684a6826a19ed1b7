"""What operators do with a model of the models page."""

from collections.abc import Callable
from typing import Final, Literal

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from web import rpc
from web.accounts import audit
from web.accounts.models import User
from web.operate.downloads import forget_download, request_download, stop_download
from web.operate.listing import ModelRow, find_row
from web.operate.services import choose_model, fixed_model

# Deleting a large model takes seconds.
REMOVE_S: Final = 30.0
Action = Literal["look-up", "download", "stop", "use", "remove"]


def change(action: Action, name: str, licence: str = "", by: User | None = None) -> None:
    """Do one of ACTIONS with the model called `name`; `licence`: the one that is accepted with a download.

    The operator `by` does it. Raises ValidationError if that can't be done now, NoResult if it needs a worker and
    none answers.
    """
    ACTIONS[action](name, find_row(name), licence)
    if action != "look-up":
        audit.record(audit.Act.MODEL_CHANGED, by, name, action=action)


def _look_up(name: str, row: ModelRow | None, licence: str) -> None:
    """Look a name up. One of the catalogue is on the page already."""
    if row is None or row.download:
        request_download(row.name if row else name, is_listed=row is not None)


def _download(name: str, row: ModelRow | None, licence: str) -> None:
    """Download the model, whose `licence` the operator accepted by this."""
    if row is None or row.path:
        raise ValidationError(gettext("This model isn’t offered any more. Look it up again."))
    request_download(row.name, licence[:300], is_listed=True)


def _stop(name: str, row: ModelRow | None, licence: str) -> None:
    """Stop the download and keep what it has."""
    stop_download(row.name if row else name)


def _use(name: str, row: ModelRow | None, licence: str) -> None:
    """Change to the model. Running answers end with the old one."""
    if row is None or not row.path or row.misfit or fixed_model():
        raise ValidationError(gettext("This model can’t be used now. Reload the page."))
    choose_model(row.path)


def _remove(name: str, row: ModelRow | None, licence: str) -> None:
    """Delete what is on disk of the model, and forget its download."""
    if row is None or not row.is_removable:
        raise ValidationError(gettext("This model can’t be removed now. If it is in use, use another one first."))
    if row.is_on_disk:
        refused = rpc.call("workers.tasks.remove_model", row.name, queue="model", timeout_s=REMOVE_S).get("refused")
        if refused:
            raise ValidationError(refused)
    forget_download(row.name)


ACTIONS: Final[dict[Action, Callable[[str, ModelRow | None, str], None]]] = {
    "look-up": _look_up,
    "download": _download,
    "stop": _stop,
    "use": _use,
    "remove": _remove,
}
