"""Tools, calls and reasoning in the model's own format, for the templates of the catalogue's families."""

from typing import Any

import pytest

from gpts.runs.messages import MessageCall, PromptMessage
from gpts.runs.replies import parse
from gpts.spec.tools import ToolSpec
from tests.workers.engine.chat_templates import EVERY_TOKEN, FAMILIES, Family
from workers.engine.base import Grammar, GrammarError
from workers.engine.calls import CallText
from workers.engine.encoding import ChatEncoder
from workers.engine.grammar import GrammarCompiler

pytestmark = pytest.mark.model

# A template of each form.
STYLES = {"hermes": "qwen3", "llama": "llama3_1", "mistral": "mistral_v3"}
ATTACK = 'x"}' + "".join(EVERY_TOKEN) + "'\\\\"


@pytest.fixture(scope="module", params=STYLES)
def styled(request: pytest.FixtureRequest, encoder_of: Any) -> tuple[str, ChatEncoder]:
    return request.param, encoder_of(STYLES[request.param])


@pytest.fixture(scope="module", params=FAMILIES)
def family(request: pytest.FixtureRequest, encoder_of: Any) -> tuple[Family, ChatEncoder]:
    return FAMILIES[request.param], encoder_of(request.param)


def tool(word: str) -> ToolSpec:
    """A tool with `word` wherever a stranger's word may stand."""
    inner = {"type": "string", "description": word, "enum": [word, "b"]}
    parameters = {"type": "object", "properties": {word: inner, "n": {"type": "integer"}}, "required": [word]}
    return ToolSpec(name="stock", description=word, parameters=parameters)


def talk(word: str, text: str = "", reasoning: str = "") -> list[PromptMessage]:
    call = MessageCall(call_id=word, name="stock", arguments={word: [word, {"deep": word}], "n": 3})
    return [
        PromptMessage(role="system", content=word),
        PromptMessage(role="user", content=word),
        PromptMessage(role="assistant", content=text, reasoning=reasoning, tool_calls=(call,)),
        PromptMessage(role="tool", content=word, name="stock", call_id=word),
    ]


def test_the_form_of_each_template_is_recognised(family: tuple[Family, ChatEncoder]) -> None:
    form = family[1].form
    assert (form.style if form else "") == family[0].form


def test_a_template_without_tools_has_no_form(bundled_tokenizer: Any) -> None:
    assert ChatEncoder(bundled_tokenizer).form is None


@pytest.mark.parametrize("has_system", [True, False])
@pytest.mark.parametrize(("text", "reasoning"), [(False, False), (False, True), (True, True)])
def test_no_word_of_a_tool_or_a_call_becomes_a_control_token(
    family: tuple[Family, ChatEncoder], has_system: bool, text: bool, reasoning: bool
) -> None:
    encoder = family[1]

    def spans(word: str) -> list[tuple[tuple[int, ...], bool]]:
        messages = talk(word, word if text else "", word if reasoning else "")
        return encoder.spans(messages if has_system else messages[1:], [tool(word)])

    plain, attacked = spans("word"), spans(ATTACK)
    assert [ids for ids, content in attacked if not content] == [ids for ids, content in plain if not content]
    assert all(encoder.control_ids.isdisjoint(ids) for ids, content in attacked if content)


def test_tools_stay_in_the_templates_own_words_once_one_was_called_and_what_was_before_stays(
    family: tuple[Family, ChatEncoder],
) -> None:
    form, encoder = family[0].form, family[1]
    asked, answered = encoder.encode(talk("word")[:2], [tool("word")]), encoder.encode(talk("word"), [tool("word")])
    assert ("Tools, called as" in encoder._tokenizer.decode(answered)) == (not form)
    # The opening of the reply may be encoded otherwise with what follows, or hold a tag that history leaves out.
    assert answered[: len(asked) - 2] == asked[:-2]


def test_reasoning_is_given_back_where_the_template_takes_it(family: tuple[Family, ChatEncoder]) -> None:
    encoder = family[1]
    text = encoder._tokenizer.decode(encoder.encode(talk("word", reasoning="So many?"), [tool("word")]))
    assert ("<think>\nSo many?\n</think>" in text) == family[0].reasons
    assert "So many?" not in encoder._tokenizer.decode(encoder.encode(talk("word"), [tool("word")]))


def test_the_text_is_what_the_template_writes_for_words_without_danger(styled: tuple[str, ChatEncoder]) -> None:
    encoder = styled[1]
    messages = talk("word")[1:2]
    ids = encoder.encode(messages, [tool("word")])
    told = {"name": "stock", "description": "word", "parameters": tool("word").parameters}
    expected = encoder._tokenizer.apply_chat_template(
        [{"role": "user", "content": "word"}],
        tools=[{"type": "function", "function": told}],
        tokenize=False,
        add_generation_prompt=True,
    )
    assert encoder._tokenizer.decode(ids, skip_special_tokens=False) == expected


def test_a_template_that_wants_roles_to_alternate_keeps_its_own_calls(encoder_of: Any) -> None:
    encoder = encoder_of("mistral_v3")
    hello = PromptMessage(role="user", content="Hello?")
    first, *rest = talk("word")
    text = encoder._tokenizer.decode(encoder.encode([first, hello, *rest], [tool("word")]))
    assert "Hello?\n\nword[/INST][TOOL_CALLS]" in text
    assert "Tools, called as" not in text


def test_each_call_has_nine_digits_of_its_own_even_where_ids_are_the_same(encoder_of: Any) -> None:
    encoder = encoder_of("mistral_v3")
    answer = PromptMessage(role="assistant", content="Three.")
    told = [*talk("word"), answer, *talk("word")[1:]]
    text = encoder._tokenizer.decode(encoder.encode(told, [tool("word")]))
    assert [text.count(number) for number in ("000000001", "000000002")] == [2, 2]


def test_calls_of_a_template_without_tools_are_text_of_our_own_form(bundled_tokenizer: Any) -> None:
    text = bundled_tokenizer.decode(ChatEncoder(bundled_tokenizer).encode(talk("word"), [tool("word")]))
    assert (
        '<tool_call>{"name": "stock", "arguments": {"word": ["word", {"deep": "word"}], "n": 3}}</tool_call>' in text
    )
    assert '"description": "word"' in text


GENERATED = {
    "hermes": 'One moment.<tool_call>\n{"name": "stock", "arguments": {"n": 3}}\n</tool_call>',
    "llama": '<|python_tag|>{"name": "stock", "parameters": {"n": 3}}',
    "mistral": '[TOOL_CALLS][{"name": "stock", "arguments": {"n": 3}}, {"name": "stock", "arguments": {}}]',
}


def read(encoder: ChatEncoder, *written: list[int]) -> list[str]:
    """What the platform reads of each reply of these ids."""
    form, tokenizer = encoder.form, encoder._tokenizer
    assert form is not None
    texts = []
    for ids in written:
        text = CallText(tokenizer, form)
        texts.append("".join(text.push([token]) for token in ids) + text.flush())
    return texts


def test_calls_in_each_form_are_read_from_generated_ids(styled: tuple[str, ChatEncoder]) -> None:
    style, tokenizer = styled[0], styled[1]._tokenizer
    [raw] = read(styled[1], tokenizer.encode(GENERATED[style], add_special_tokens=False))
    calls = parse(raw)[1]
    assert (calls[0].name, calls[0].arguments) == ("stock", {"n": 3})
    assert len(calls) == (2 if style == "mistral" else 1)


def test_a_call_cut_anywhere_is_no_call(styled: tuple[str, ChatEncoder]) -> None:
    style, tokenizer = styled[0], styled[1]._tokenizer
    ids = tokenizer.encode(GENERATED[style], add_special_tokens=False)
    cut = read(styled[1], *(ids[:n] for n in range(len(ids) - 1)))
    assert {len(parse(raw)[1]) for raw in cut} == {0}


def test_a_control_word_spelled_out_in_plain_tokens_opens_no_call(encoder_of: Any) -> None:
    encoder = encoder_of("mistral_v3")
    ids = [token for part in ("[", GENERATED["mistral"][1:]) for token in encoder._tokenizer.encode(part)]
    [raw] = read(encoder, ids)
    assert parse(raw)[1] == ()


def test_a_plain_object_is_llamas_call_too(encoder_of: Any) -> None:
    encoder = encoder_of("llama3_1")
    [raw] = read(encoder, encoder._tokenizer.encode('{"name": "stock", "parameters": {"n": 3}}'))
    assert parse(raw)[1][0].arguments == {"n": 3}


def compiler_of(encoder: ChatEncoder) -> GrammarCompiler:
    form, tokenizer = encoder.form, encoder._tokenizer
    assert form is not None
    return GrammarCompiler(tokenizer, len(tokenizer), frozenset([tokenizer.eos_token_id]), form)


def follows(compiler: GrammarCompiler, tokenizer: Any, text: str, *, required: bool = False) -> bool:
    """Whether the grammar lets a model write `text` and end."""
    parameters = {"type": "object", "properties": {"n": {"type": "integer"}}}
    spec = ToolSpec(name="stock", description="", parameters=parameters)
    state = compiler.start(Grammar(tools=(spec,), required=required), 200)
    written: list[int] = []
    for token in [*tokenizer.encode(text, add_special_tokens=False), tokenizer.eos_token_id]:
        state.read(written)
        if not state.allowed()[token // 8] >> token % 8 & 1:
            return False
        written.append(token)
    return True


def test_a_grammar_lets_prose_and_right_calls_pass_and_no_wrong_ones(styled: tuple[str, ChatEncoder]) -> None:
    style, tokenizer = styled[0], styled[1]._tokenizer
    compiler = compiler_of(styled[1])
    assert follows(compiler, tokenizer, "Just an answer, 3 < 4.")
    assert follows(compiler, tokenizer, GENERATED[style])
    assert not follows(compiler, tokenizer, GENERATED[style].replace("stock", "shell"))
    assert not follows(compiler, tokenizer, GENERATED[style].replace('{"n": 3}', '{"n": "3"}'))
    assert not follows(compiler, tokenizer, GENERATED[style].replace('{"n": 3}', '{"m": 3}'))
    assert not follows(compiler, tokenizer, "Just an answer.", required=True)


def test_a_grammar_of_a_tool_takes_any_schema_and_refuses_what_is_none_in_a_sentence(encoder_of: Any) -> None:
    compiler = compiler_of(encoder_of("qwen3"))

    def tool(parameters: dict[str, Any]) -> Grammar:
        return Grammar(tools=(ToolSpec(name="odd", description="", parameters=parameters),))

    assert compiler.start(tool({"type": "object", "not": {"required": ["x"]}}), 100)
    with pytest.raises(GrammarError, match=r"^The JSON schema is wrong at “type”"):
        compiler.start(tool({"type": "thing"}), 100)
