"""Which of the tokens that a model wrote make up the text that is shown."""

import pytest

from gpts.runs.logprobs import TokenLogprob, TokensOfText


def tokens(*texts: str | bytes) -> list[TokenLogprob]:
    return [
        TokenLogprob.of(text if isinstance(text, bytes) else text.encode(), -float(n)) for n, text in enumerate(texts)
    ]


def texts_of(found: tuple[TokenLogprob, ...]) -> list[bytes]:
    return [token.data for token in found]


def test_a_token_keeps_its_bytes_also_as_json() -> None:
    part = TokenLogprob.of(b"\xf0\x9f", -1.5, (TokenLogprob.of("ü\u2028".encode(), -2),))
    again = TokenLogprob.model_validate_json(part.model_dump_json(exclude_defaults=True))
    assert again == part
    assert again.data == b"\xf0\x9f"
    assert part.as_openai() == {
        "token": "�",
        "bytes": [240, 159],
        "logprob": -1.5,
        "top_logprobs": [{"token": "ü\u2028", "bytes": [195, 188, 226, 128, 168], "logprob": -2.0}],
    }


def test_pieces_get_their_tokens_once_each_without_reasoning_and_space_around() -> None:
    of_text = TokensOfText()
    of_text.add(tokens("<think>", "The seal.", "</think>", "\n\n", "The", " seal", " is", " ZP"))
    assert texts_of(of_text.take("The seal i")) == [b"The", b" seal", b" is"]
    of_text.add(tokens("-7", "71.", "\n"))
    assert texts_of(of_text.take("s ZP-7")) == [b" ZP", b"-7"]
    assert texts_of(of_text.take("71.")) == [b"71."]
    assert of_text.take("") == ()


def test_a_character_of_several_tokens_is_found() -> None:
    of_text = TokensOfText()
    of_text.add(tokens("a ", b"\xf0\x9f", b"\x8e\x89", "!"))
    assert texts_of(of_text.take("a 🎉!")) == [b"a ", b"\xf0\x9f", b"\x8e\x89", b"!"]


def test_of_a_reply_that_was_begun_again_the_second_tokens_count() -> None:
    of_text = TokensOfText()
    of_text.add(tokens("The", " seal"))
    assert texts_of(of_text.take("The seal")) == [b"The", b" seal"]
    of_text.add(tokens("The seal", " is", " dry"))
    assert texts_of(of_text.take(" is dry")) == [b" is", b" dry"]


@pytest.mark.parametrize("text", ["A quote of a file.", "The seal is wet"])
def test_a_text_that_the_model_did_not_write_has_no_tokens(text: str) -> None:
    of_text = TokensOfText()
    assert of_text.take(text) == ()
    of_text.add(tokens("The", " seal", " is", " dry"))
    assert of_text.take(text) == ()
