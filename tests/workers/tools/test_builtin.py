"""The platform's own tools: what their folders say of them, and that nobody else's tool is taken for one."""

import pytest

from gpts.runs.overrides import CallerTool, Overrides
from gpts.spec.builtin_tools import BUILTIN_TOOLS
from gpts.spec.capabilities import CAPABILITIES
from workers.runs.loop import callers_own
from workers.smallmodel.arguments.ready import ready_arguments, runs_code
from workers.tools.builtin import tool_of
from workers.tools.settings import ToolSettings

THEIRS = {"type": "object", "properties": {"what": {"type": "string"}}, "required": ["what"]}


@pytest.mark.parametrize("name", BUILTIN_TOOLS)
def test_a_folder_has_all_that_models_and_people_are_told(name):
    spec = tool_of(BUILTIN_TOOLS[name], ToolSettings()).spec
    assert (spec.name, spec.builtin) == (name, name)
    written = ("remember", "update_draft")
    assert (spec.effect == "write") == (name in written)
    assert len(spec.examples) >= 12 or name in (*written, "read_more")
    assert set(spec.parameters["required"]) <= set(spec.parameters["properties"])
    line = BUILTIN_TOOLS[name].line
    assert not line.subject or line.subject in spec.parameters["properties"]
    assert "#" in line.many


def test_the_capabilities_are_those_of_the_folders():
    assert {key: capability.tools for key, capability in CAPABILITIES.items()} == {
        "web_browsing": ("web_search", "open_page"),
        "image_generation": ("make_image",),
        "code_interpreter": ("code_interpreter",),
        "memory": ("remember",),
        "forms": ("ask_user",),
    }
    assert [key for key, capability in CAPABILITIES.items() if capability.leaves_site] == ["web_browsing"]
    assert all(capability.title and capability.help for capability in CAPABILITIES.values())


@pytest.mark.parametrize(
    ("name", "arguments", "plain", "raw"),
    [
        ("web_search", {"query": "lip seal"}, "Search the web for “lip seal”", '{\n  "query": "lip seal"\n}'),
        ("open_page", {"url": "https://a.example/"}, "Open the page https://a.example/", "GET https://a.example/"),
        ("code_interpreter", {"code": "1\n{2}"}, "Run this Python in the sandbox", "1\n{2}"),
        (
            "make_image",
            {"prompt": "{n}\nx", "n": 2},
            "Make a picture: {n} ⏎ x",
            '{\n  "prompt": "{n}\\nx",\n  "n": 2\n}',
        ),
        ("web_search", {}, "Search the web for “”", "{}"),
    ],
)
def test_a_person_is_asked_in_words_and_exactly(name, arguments, plain, raw):
    request = tool_of(BUILTIN_TOOLS[name], ToolSettings()).describe(arguments)
    assert (request.plain, request.raw) == (plain, raw)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://a.example.org:8443/", "Port 8443 isn’t allowed, only 80 and 443."),
        ("printer.local/status", "printer.local isn’t on the public internet."),
        ("https://169.254.169.254/", "The address 169.254.169.254 isn’t on the public internet."),
        ("a.example.org/page", ""),
    ],
)
def test_nobody_is_asked_to_open_what_this_site_never_opens(url, says):
    refused = tool_of(BUILTIN_TOOLS["open_page"], ToolSettings()).refusal({"url": url})
    assert refused.replace("'", "’") == says


@pytest.mark.parametrize("name", BUILTIN_TOOLS)
def test_a_caller_s_function_keeps_its_own_schema_whatever_its_name(name):
    own = callers_own(Overrides(tools=(CallerTool(name=name, parameters=THEIRS),)))[name]
    assert (own.parameters, own.reach, own.of_caller, own.builtin) == (THEIRS, "nothing", True, "")
    assert not runs_code(own)
    assert ready_arguments(own, "Draw 3 * 4 from https://a.example", ()) != {"code": "print(3 * 4)"}
