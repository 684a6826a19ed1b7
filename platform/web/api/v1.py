"""`/v1`: the OpenAI-compatible API, with a GPT behind each model name."""

from typing import Literal

from django.conf import settings
from django.http import HttpRequest
from ninja import Query, Schema
from pydantic import Field

from web.api import anthropic_models, site_models
from web.api.anthropic_messages import router as anthropic_messages
from web.api.anthropic_models import AnthropicModelList, ModelCursor, ModelInfo
from web.api.apis import Api, handle_errors
from web.api.audio import router as audio
from web.api.auth import KeyAuth, caller
from web.api.batches import router as batches
from web.api.chat_completions import router as chat_completions
from web.api.conversations import router as conversations
from web.api.counting import router as counting
from web.api.embeddings import router as embeddings
from web.api.errors import ApiError, OpenAiErrorBody
from web.api.images import router as images
from web.api.legacy_completions import router as legacy_completions
from web.api.moderations import router as moderations
from web.api.program_files import router as program_files
from web.api.program_runs import access_model
from web.api.reading import StrictParser
from web.api.responses import router as responses
from web.api.site_models import SiteModel
from web.api.vector_store_files import router as vector_store_files
from web.api.vector_stores import router as vector_stores
from web.builder.models import Gpt
from web.runs.model_facts import facts_of

v1 = Api(
    title="Guildhall, OpenAI-compatible",
    version="1",
    description="Every GPT you can chat with, as a model. Works with any OpenAI client.",
    urls_namespace="v1",
    auth=KeyAuth(),
    parser=StrictParser(),
    docs_url=None,
)
handle_errors(v1)


class Model(Schema):
    """A GPT as a model."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str
    name: str
    description: str
    context_window: int | None = Field(
        description="Longest prompt and reply together, in tokens; null while unknown."
    )
    max_completion_tokens: int | None = Field(description="Longest reply, in tokens.")


class ModelList(Schema):
    """All models of the key's owner."""

    object: Literal["list"] = "list"
    data: list[Model]


def _model(gpt: Gpt) -> Model:
    live = gpt.live
    facts = facts_of(gpt)
    return Model(
        id=gpt.slug,
        created=int(gpt.created.timestamp()),
        owned_by=gpt.owner.shown_name,
        name=live.name,
        description=live.description,
        context_window=facts.context_tokens,
        max_completion_tokens=facts.most_reply_tokens,
    )


def _site_model(model: SiteModel) -> Model:
    return Model(
        id=model.id,
        created=0,
        owned_by=settings.SITE_NAME,
        name=model.id,
        description=model.description,
        context_window=model.context_tokens,
        max_completion_tokens=None,
    )


@v1.get(
    "/models",
    response={200: ModelList | AnthropicModelList, 400: OpenAiErrorBody, 401: OpenAiErrorBody},
)
def list_models(request: HttpRequest, cursor: Query[ModelCursor]) -> ModelList | AnthropicModelList:
    """The published GPTs that the key's owner can chat with: in the store, their own and shared by link.

    With the header `anthropic-version`, they are listed as in Anthropic's API, a page at a time.
    """
    gpts = (
        Gpt.objects.chattable_by(caller(request)).filter(published__isnull=False).select_related("owner", "published")
    )
    if anthropic_models.is_asked(request):
        return anthropic_models.model_page(list(gpts.order_by("-created", "-id")), cursor)
    return ModelList(data=[_model(gpt) for gpt in gpts.order_by("created", "id")])


@v1.get("/models/{model}", response={200: Model | ModelInfo, 401: OpenAiErrorBody, 404: OpenAiErrorBody})
def get_model(request: HttpRequest, model: str) -> Model | ModelInfo:
    """One of these models, or the site's own that embeds texts, checks them, draws, transcribes or speaks."""
    try:
        gpt = access_model(caller(request), model)
        return anthropic_models.model_info(gpt) if anthropic_models.is_asked(request) else _model(gpt)
    except ApiError:
        if own := site_models.find(model):
            return _site_model(own)
        raise


ROUTERS = (
    *(chat_completions, legacy_completions, counting, responses, conversations, anthropic_messages),
    *(embeddings, moderations, images, audio, program_files),
    *(vector_stores, vector_store_files, batches),
)
for router in ROUTERS:
    v1.add_router("", router)
