"""`/v1/completions`, which came before chats: each prompt is a question to the GPT, answered by a run of its own."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import accumulate
from typing import Any, ClassVar, Final, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import Field

from gpts.runs.logprobs import TokenLogprob
from gpts.runs.overrides import Overrides
from gpts.values import Text
from web.api.answers import Extras, RunAnswer, TokenUsage, usage_of
from web.api.choices import Choice, Chunks, respond
from web.api.completions import SamplingRequest
from web.api.errors import ApiError, OpenAiErrorBody
from web.api.messages import ProgramMessage
from web.api.program_runs import KEEP_ALIVE, sse
from web.runs.events import AnswerPiece

router = Router()

# Answers to one request, which are written side by side.
MAX_CHOICES: Final = 16
DESCRIPTION: Final = (
    "For programs that know no chats. Each prompt is a question to the GPT `model`, as in chat completions, with its"
    f" instructions and files; `n` answers to each, up to {MAX_CHOICES} altogether. `echo` puts the prompt before its"
    " answer. Refused: `suffix`, a `best_of` other than `n`, and prompts of"
    " tokens, whose numbers stand for other words in each model."
)


class PromptRequest(SamplingRequest):
    """A request for completions."""

    refused: ClassVar[dict[str, list[Any]]] = {"suffix": [""]}

    prompt: Text | list[Text | int | list[int]] = Field(description="A text, or several.")
    n: int | None = Field(None, ge=1, le=MAX_CHOICES, description="Answers to each prompt. Default: 1.")
    best_of: int | None = Field(None, ge=1, le=MAX_CHOICES, description="Default: n, and nothing else.")
    echo: bool | None = False
    logprobs: int | None = Field(
        None, ge=0, le=5, description="How likely the tokens were, and so many likeliest ones."
    )

    def overrides(self) -> Overrides:
        """The same, with what only these have."""
        return super().overrides().model_copy(update={"top_logprobs": self.logprobs})

    def prompts(self) -> list[str]:
        """The question of each choice. Raises ApiError."""
        given = [self.prompt] if isinstance(self.prompt, str) else self.prompt
        texts = [each for each in given if isinstance(each, str)]
        if len(texts) != len(given):
            raise ApiError(400, "Prompts of tokens are not supported. Send texts.", "prompt", "unsupported_value")
        if not texts or not all(text.strip() for text in texts):
            raise ApiError(400, "A prompt is empty.", "prompt", "invalid_value")
        n = self.n or 1
        if self.best_of not in (None, n):
            raise ApiError(400, "“best_of” can only be “n”: no answer is left out.", "best_of", "unsupported_value")
        if n * len(texts) > MAX_CHOICES:
            text = f"{n * len(texts)} answers to one request; up to {MAX_CHOICES} are allowed."
            raise ApiError(400, text, "prompt", "invalid_value")
        return [text for text in texts for _ in range(n)]


class TextLogprobs(Schema):
    """How likely each token of an answer was to the model, with its place in the text."""

    tokens: list[str]
    token_logprobs: list[float]
    top_logprobs: list[dict[str, float]]
    text_offset: list[int]

    @classmethod
    def of(cls, tokens: Sequence[TokenLogprob], start: int) -> "TextLogprobs | None":
        """Those of these tokens, of which the first begins at `start`; None if there are none."""
        if not tokens:
            return None
        lengths = accumulate((len(token.text) for token in tokens[:-1]), initial=start)
        return cls(
            tokens=[token.text for token in tokens],
            token_logprobs=[token.logprob for token in tokens],
            top_logprobs=[{each.text: each.logprob for each in token.top} for token in tokens],
            text_offset=[*lengths],
        )


class TextChoice(Schema):
    """An answer. `guildhall` has what OpenAI's format doesn't cover, such as the citations."""

    index: int
    text: str
    logprobs: TextLogprobs | None = None
    finish_reason: Literal["stop", "length"]
    guildhall: Extras


class TextCompletion(Schema):
    """The answers. With `stream`, their pieces are such objects in server-sent events."""

    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    choices: list[TextChoice]
    usage: TokenUsage


@router.post(
    "/completions",
    response={200: TextCompletion, **dict.fromkeys((400, 401, 403, 404, 413, 429, 500), OpenAiErrorBody)},
    description=DESCRIPTION,
    summary="Complete prompts",
    openapi_extra={"responses": {200: {"content": {"text/event-stream": {"schema": {}}}}}},
)
async def create_completion(request: HttpRequest, response: HttpResponse, body: PromptRequest) -> Any:
    """The answers to the prompts, whole or as a stream."""
    body.check()
    prompts = body.prompts()
    show = partial(TextChunks, body, prompts)
    return await respond(request, response, body, "v1/completions", [*map(ProgramMessage, prompts)], show)


class TextChunks(Chunks):
    """Answers as text completions, whole and in pieces."""

    def __init__(self, body: PromptRequest, prompts: Sequence[str], choices: Sequence[Choice]) -> None:
        super().__init__(body, "text_completion", "cmpl", choices[0].run)
        self._before = prompts if body.echo else [""] * len(prompts)
        self._n_sent = [*map(len, self._before)]

    def whole(self, answers: Sequence[RunAnswer]) -> TextCompletion:
        """The text completion."""
        choices = [self._made(index, answer) for index, answer in enumerate(answers)]
        return TextCompletion(**self.same, choices=choices, usage=usage_of(*answers))

    def begin(self, choice: Choice) -> Iterator[str]:
        """The prompt, if it is echoed."""
        if before := self._before[choice.index]:
            yield self._piece(choice, before)

    def piece(self, choice: Choice, piece: AnswerPiece) -> str:
        """A piece of the answer."""
        if not piece.text:
            return KEEP_ALIVE
        likely = TextLogprobs.of(piece.tokens, self._n_sent[choice.index])
        self._n_sent[choice.index] += len(piece.text)
        return self._piece(choice, piece.text, likely)

    def end(self, choice: Choice, answer: RunAnswer) -> Iterator[str]:
        """The finish reason."""
        end = self._made(choice.index, answer)
        yield self._piece(choice, "", finish=end.finish_reason, guildhall=end.guildhall.model_dump())

    def _piece(
        self, choice: Choice, text: str, likely: TextLogprobs | None = None, finish: str | None = None, **facts: Any
    ) -> str:
        logprobs = likely.model_dump() if likely else None
        piece = {"index": choice.index, "text": text, "logprobs": logprobs, "finish_reason": finish, **facts}
        return sse({**self.same, "choices": [piece]})

    def _made(self, index: int, answer: RunAnswer) -> TextChoice:
        before = self._before[index]
        return TextChoice(
            index=index,
            text=before + answer.said.text,
            logprobs=TextLogprobs.of(answer.logprobs, len(before)),
            finish_reason="length" if answer.finish == "length" else "stop",
            guildhall=replace(answer, before=len(before) + answer.before).extras,
        )
