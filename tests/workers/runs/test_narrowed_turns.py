"""What a response asks of one run: fewer of the GPT's tools but never more, a call in any case, instructions."""

from django.utils import timezone

from gpts.runs.background import Background
from gpts.runs.overrides import Overrides
from gpts.runs.steps import ToolResult
from tests.workers.runs.test_loop import advance, give, scripted_services
from web.runs import services
from web.runs.services import Sent

SEARCH = '<tool_call>{"name": "web_search", "arguments": {"query": "seals"}}</tool_call>'
RULE = "Instructions from the caller: Answer in French."


def start(conversation, **overrides):
    run = services.start_run(conversation, "Which seal fits?", sent=Sent(overrides=Overrides(**overrides)))
    give(run, capabilities=["web_browsing", "code_interpreter"])
    return run


def test_a_request_can_only_narrow_what_the_gpt_may_call(conversation):
    everything, one = {"open_page", "code_interpreter"}, {"code_interpreter"}
    for named, offered in ((None, everything), (("code_interpreter", "make_image"), one), ((), set())):
        its = scripted_services([SEARCH, "ZP-771."] if named is not None else ["ZP-771."])
        steps = advance(start(conversation, own_tools=named), its)
        assert {tool.name for tool in its.engine.requests[0].tools} == offered
        if named is not None:  # the model calls it all the same
            [refused] = [step for step in steps if isinstance(step, ToolResult)]
            assert (refused.ok, refused.text) == (False, "There is no tool named web_search.")
        assert steps[-1].text == "ZP-771."


def test_a_named_tool_of_the_gpt_is_called_in_any_case(conversation):
    for choice in ("code_interpreter", "required", "auto"):
        its = scripted_services(["ZP-771."])
        advance(start(conversation, own_tools=("code_interpreter",), tool_choice=choice), its)
        grammar = its.engine.requests[0].grammar
        assert grammar.required is (choice != "auto")
        assert [tool.name for tool in grammar.tools] == ["code_interpreter"]


def test_instructions_hold_for_their_own_turn_only(conversation):
    prompts = []
    for rule in (RULE, ""):
        its = scripted_services(["ZP-771."])
        advance(start(conversation, instructions=rule), its)
        prompts.append([message.content for message in its.engine.requests[-1].messages])
    (today,) = Background(today=timezone.localdate()).texts(with_today=True)
    dated = f"{today}\n\nWhich seal fits?"
    assert prompts[0][1:] == [RULE, dated]
    assert prompts[1][1:] == [dated, "ZP-771.", "Which seal fits?"]
