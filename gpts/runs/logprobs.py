"""How likely the tokens of a reply were to the model, and which of them make up a piece of its text."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import Any, Self

from gpts.values import Value


class TokenLogprob(Value):
    """A token and the natural logarithm of its probability; `top` are the likeliest ones in its place.

    `hex` are the bytes of a token that is no text by itself, such as a part of a character.
    """

    text: str
    logprob: float
    hex: str = ""
    top: tuple["TokenLogprob", ...] = ()

    @classmethod
    def of(cls, data: bytes, logprob: float, top: tuple["TokenLogprob", ...] = ()) -> Self:
        """The token of these bytes."""
        text = data.decode(errors="replace")
        return cls(text=text, logprob=logprob, hex="" if text.encode() == data else data.hex(), top=top)

    @property
    def data(self) -> bytes:
        """Its bytes."""
        return bytes.fromhex(self.hex) if self.hex else self.text.encode()

    def as_openai(self) -> dict[str, Any]:
        """It in the format of OpenAI's APIs."""
        own = {"token": self.text, "bytes": list(self.data), "logprob": self.logprob}
        tops = [{"token": each.text, "bytes": list(each.data), "logprob": each.logprob} for each in self.top]
        return {**own, "top_logprobs": tops}


class TokensOfText:
    """Finds the tokens of the pieces of a text among all tokens that a model wrote, reasoning and space included."""

    def __init__(self) -> None:
        self._tokens: list[TokenLogprob] = []
        self._ends: list[int] = []
        self._written = bytearray()
        self._taken = b""
        self._at: int | None = None
        self._n_given = 0

    def add(self, tokens: Iterable[TokenLogprob]) -> None:
        """What the model wrote next."""
        for token in tokens:
            self._tokens.append(token)
            self._written += token.data
            self._ends.append(len(self._written))

    def take(self, piece: str) -> tuple[TokenLogprob, ...]:
        """The tokens of `piece`, which follows the pieces taken before; none if the model did not write that."""
        data = (piece if self._taken else piece.lstrip()).encode()
        if not (data and self._tokens):
            return ()
        if self._at is None or not self._written.startswith(data, self._at):
            found = self._written.rfind(self._taken + data)
            self._at = None if found < 0 else found + len(self._taken)
        self._taken += data
        if self._at is None:
            return ()
        first = max(self._n_given, bisect_right(self._ends, self._at))
        self._at += len(data)
        self._n_given = max(first, bisect_left(self._ends, self._at) + 1)
        return tuple(self._tokens[first : self._n_given])
