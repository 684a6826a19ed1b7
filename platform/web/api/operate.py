"""`/api/operate`: the models of this site, for operators; for others there is nothing here.

Programs change models with a key that may approve: an agent with another one would choose the model that it talks to.
"""

from typing import Annotated, Any

from django.http import Http404, HttpRequest
from ninja import Router, Schema
from pydantic import Field

from gpts.spec.base_models import MAX_NAME_CHARS
from gpts.values import Text
from web.accounts.models import User
from web.api.auth import caller
from web.api.errors import DENIED, INVALID, ProblemDetails
from web.api.reading import RequestBody
from web.engines import MOST_READS, READS, Ability
from web.operate.access import may_open, page_of
from web.operate.changes import Action, change
from web.operate.listing import ModelRow, find_row, model_page
from web.operate.models import OVERRIDABLE, MeasuredModel
from web.operate.services import current_model, override

router = Router(tags=["Operators"])


class DownloadShape(Schema):
    """A download, in bytes."""

    done: int
    total: int = Field(description="0 while it is not known.")
    error: str


class ModelShape(Schema):
    """A model of the catalogue, on this machine or being downloaded."""

    name: str
    title: str
    state: str = Field(
        description="loaded, changing (chosen, not loaded yet), downloaded, unfinished, available, or that of its"
        " download: waiting, downloading, offered (looked up), failed, cancelled, done."
    )
    size: int = Field(description="Bytes; 0 if unknown.")
    parameters: str
    licence: str
    languages: str
    abilities: list[str]
    misfit: str = Field(description="Why it does not fit this machine; empty if it does.")
    tokens_per_s: float = Field(description="About how many it would write here; 0 if unknown.")
    download: DownloadShape | None


class SiteModels(Schema):
    """The models of this site."""

    loaded: str = Field(description="The name of the loaded one.")
    recommended: str | None = Field(description="The best for this machine, unless that is loaded.")
    fixed: str = Field(description="What BASE_MODEL names, before which no choice counts; empty if it leaves it.")
    trouble: str = Field(description="Why the model that was chosen last could not be loaded.")
    machine: dict[str, int] = Field(description="Bytes by kind.")
    models: list[ModelShape]


class ModelName(RequestBody):
    """The model, by its name in the list or on the hub (org/name, or org/name:file.gguf)."""

    name: Annotated[Text, Field(min_length=1, max_length=MAX_NAME_CHARS)]
    licence: Annotated[Text, Field(max_length=300)] = Field("", description="The one you accept by a download.")


class AbilityShape(Schema):
    """What was measured, and what an operator set instead."""

    measured: bool | None
    override: bool | None


class ReadingShape(Schema):
    """The longest files that are read whole, in tokens."""

    measured: int | None
    override: int | None


class LoadedModel(Schema):
    """The loaded model and what it can do."""

    name: str
    abilities: dict[str, AbilityShape]
    reads_tokens: ReadingShape
    figures: dict[str, Any] = Field(description="Right and wrong cases by part of the measurement.")


class ModelOverrides(RequestBody):
    """Abilities to set by hand; null restores what was measured."""

    overrides: dict[Ability, bool | None] = Field({}, examples=[{"calls_tools": True}])
    reads_tokens: int | None = Field(None, ge=0, le=MOST_READS, description="Longest files that are read whole.")

    def changes(self) -> dict[str, int | None]:
        """By name, as `override` takes them."""
        numbers = ((READS, self.reads_tokens),) if READS in self.model_fields_set else ()
        return dict[str, int | None]((*self.overrides.items(), *numbers))


def operator(request: HttpRequest) -> User:
    """The caller. Raises Http404 if they are no operator, and no moderator where these may do it too."""
    user = caller(request)
    if not may_open(user, page_of(request)):
        raise Http404
    return user


@router.get("/operate/models", response={200: SiteModels, **DENIED})
def read_models(request: HttpRequest) -> dict[str, Any]:
    """All models: loaded, on this machine, being downloaded, and those of the catalogue."""
    operator(request)
    page = model_page()
    return {
        "loaded": page.loaded,
        "recommended": page.best.name if page.best else None,
        "fixed": page.fixed,
        "trouble": page.trouble,
        "machine": page.machine,
        "models": page.rows,
    }


@router.post(
    "/operate/models/{action}",
    response={200: ModelShape | None, **INVALID, 503: ProblemDetails},
)
def change_model(request: HttpRequest, action: Action, model: ModelName) -> ModelRow | None:
    """Look a model up, download it, stop that, use it, or remove it from this machine; the model as it is then."""
    change(action, model.name, model.licence, by=operator(request))
    return find_row(model.name)


@router.get("/operate/model", response={200: LoadedModel, **DENIED})
def read_model(request: HttpRequest) -> dict[str, Any]:
    """The loaded model, what was measured of it and what was overridden."""
    operator(request)
    return _told(_loaded())


@router.patch("/operate/model", response={200: LoadedModel, **INVALID})
def override_model(request: HttpRequest, body: ModelOverrides) -> dict[str, Any]:
    """Override abilities of the loaded model."""
    by, record = operator(request), _loaded()
    override(record, body.changes(), by)
    return _told(record)


def _loaded() -> MeasuredModel:
    record = current_model()
    if record is None:
        raise Http404
    return record


def _told(record: MeasuredModel) -> dict[str, Any]:
    told = {
        name: {"measured": record.measured.get(name), "override": record.overrides.get(name)}
        for name in (READS, *OVERRIDABLE)
    }
    return {"name": record.name, READS: told.pop(READS), "abilities": told, "figures": record.figures}
