"""`/v1/moderations`: what this site's filter finds in texts, and nothing that it does not look for.

OpenAI's clients expect a verdict for each of OpenAI's categories. Nothing here judges those: they are false, with the
score 0 and without input types that they were applied to, and `guildhall.not_judged` names them.
"""

from collections.abc import Sequence
from typing import Any, Final, Literal
from uuid import uuid4

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from gpts.values import Text
from web.api import site_models, worker_turns
from web.api.auth import caller
from web.api.errors import ApiError, OpenAiErrorBody

router = Router()

MAX_TEXTS: Final = 128
MAX_CHARS: Final = 100_000
# The findings of gpts.safety that concern any text; the others are about the files of a GPT.
JUDGED: Final = ("speaks_to_model", "hidden_characters")
NOT_JUDGED: Final = (
    *("harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent"),
    *("self-harm", "self-harm/instructions", "self-harm/intent", "sexual", "sexual/minors"),
    *("violence", "violence/graphic"),
)
DESCRIPTION: Final = (
    "Finds text that addresses a model instead of a reader, such as “ignore all previous instructions”"
    " (`speaks_to_model`), and text hidden in invisible characters (`hidden_characters`). It is a filter of phrases,"
    " which found 45 % of attacks written to get past it: a hint, not a guarantee. Scores are 1 or 0, because it"
    " knows no probabilities.\n\n"
    "**OpenAI’s categories (hate, violence, …) are not judged**: they are always false, with no entry in"
    " `category_applied_input_types`. Pictures are refused."
)


class ModerationPart(Schema):
    """A part of an input; only those of type `text` are judged."""

    type: Text
    text: Text = ""


class ModerationRequest(Schema):
    """A request to check texts."""

    input: Text | list[Text | ModerationPart] = Field(
        description=f"A text, up to {MAX_TEXTS} texts, or the parts of one; of up to {MAX_CHARS:,} characters each."
    )
    model: Text | None = Field(None, description=f"Only “{site_models.FILTER}”.")

    def texts(self) -> list[str]:
        """The texts to check. Raises ApiError."""
        given = [self.input] if isinstance(self.input, str) else self.input
        if other := next((each.type for each in given if not isinstance(each, str) and each.type != "text"), None):
            raise ApiError(
                400, f"Parts of type “{other[:40]}” are not judged. Send text.", "input", "unsupported_value"
            )
        texts = [each if isinstance(each, str) else each.text for each in given]
        if any(not isinstance(each, str) for each in given):
            texts = ["\n\n".join(texts)]
        if not 0 < len(texts) <= MAX_TEXTS:
            text = f"“input” has {len(texts):,} texts; 1 to {MAX_TEXTS} are allowed."
            raise ApiError(400, text, "input", "invalid_value")
        if long := next((len(text) for text in texts if len(text) > MAX_CHARS), 0):
            text = f"A text of “input” has {long:,} characters; up to {MAX_CHARS:,} are allowed. Split it."
            raise ApiError(400, text, "input", "string_above_max_length")
        return texts


class ModerationFinding(Schema):
    """What was found, with what it says; hidden text is decoded where that is possible."""

    kind: Literal["speaks_to_model", "hidden_characters"]
    message: str
    excerpt: str


class ModerationFacts(Schema):
    """What was judged, and what was found."""

    judged: list[str] = list(JUDGED)
    not_judged: list[str] = list(NOT_JUDGED)
    findings: list[ModerationFinding]


class ModerationResult(Schema):
    """The verdict on one text. `flagged`: one of the judged categories is true."""

    flagged: bool
    categories: dict[str, bool]
    category_scores: dict[str, float]
    category_applied_input_types: dict[str, list[str]]
    guildhall: ModerationFacts


class Moderation(Schema):
    """The verdicts, in the order of the texts."""

    id: str
    model: str
    results: list[ModerationResult]


@router.post(
    "/moderations",
    response={200: Moderation, **dict.fromkeys((400, 401, 404, 413, 429, 503), OpenAiErrorBody)},
    description=DESCRIPTION,
    summary="Check texts",
)
async def create_moderation(request: HttpRequest, body: ModerationRequest) -> Moderation:
    """The verdicts on the texts."""
    user, model = caller(request), site_models.text_filter()
    site_models.check(body.model, model)
    texts = body.texts()
    found: dict[int, list[dict[str, Any]]] = {}
    task, pieces = "workers.tasks.check_text", [(text,) for text in texts]
    await worker_turns.compute(user, task, pieces, lambda number, made: found.update({number: made["found"]}))
    results = [verdict(found[number]) for number in range(len(texts))]
    return Moderation(id=f"modr-{uuid4().hex}", model=model.id, results=results)


def verdict(findings: Sequence[dict[str, Any]]) -> ModerationResult:
    """The result for a text with these findings."""
    kinds = {each["kind"] for each in findings}
    return ModerationResult(
        flagged=bool(kinds),
        categories={name: name in kinds for name in (*NOT_JUDGED, *JUDGED)},
        category_scores={name: float(name in kinds) for name in (*NOT_JUDGED, *JUDGED)},
        category_applied_input_types={name: ["text"] * (name in JUDGED) for name in (*NOT_JUDGED, *JUDGED)},
        guildhall=ModerationFacts(findings=[ModerationFinding(**each) for each in findings]),
    )
