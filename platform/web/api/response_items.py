"""The output items of a response, one function for each kind, made from the log of its run."""

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from gpts.runs.builtin_calls import builtin_called
from gpts.runs.steps import (
    Cancelled,
    FileRef,
    Finished,
    Log,
    ModelReply,
    Retrieval,
    ToolCall,
    ToolResult,
    UserMessage,
)
from gpts.spec.file_tools import FILE_TOOLS
from web.api.answers import RunAnswer
from web.api.models import Response
from web.api.response_approvals import request_in
from web.api.response_input import said
from web.api.response_tools import names_of, server_labels
from web.runs import log
from web.runs.events import file_url, made_files, page_of
from web.runs.files import PICTURES
from web.runs.models import ConversationFile

# The server of calls that no host answers, such as the search for a GPT in the store.
THIS_SITE: Final = "guildhall"
SEARCH_RESULTS: Final = "file_search_call.results"


def names_searches(request: Mapping[str, Any]) -> bool:
    """Whether a request asks for its file searches. Those of a GPT come without, so that programs expect no item."""
    named = [tool["type"] for tool in request.get("tools") or ()]
    return "file_search" in named or SEARCH_RESULTS in (request.get("include") or ())


class Output:
    """The output items of `response` so far."""

    def __init__(self, response: Response) -> None:
        self.items: list[dict[str, Any]] = []
        self._response = response
        self._include = response.request.get("include") or ()
        self._tells_searches = names_searches(response.request)

    def take(self, steps: Log, number: int) -> None:
        """Add the items of step `number`, given the log at least as far."""
        match steps[number]:
            case Retrieval(reused=False) as found if self._tells_searches:
                self._add(self._file_search(found))
            case ModelReply() as reply:
                self._add(*_reasoning(reply), *_commentary(reply, steps))
            case ToolResult() as result:
                self._add(*self._call(result, steps))
            case Finished() as end:
                in_parallel = self._response.request.get("parallel_tool_calls") is not False
                answer = RunAnswer(self._response.run, steps, end, in_parallel)
                self._add(*self._answer(answer), *self._functions(answer))
            case Cancelled(text=text) if text:
                self._add({**said(text), "status": "incomplete"})

    def take_asked(self) -> None:
        """Add the requests with which the response ended."""
        for number in range(len(self._response.asked)):
            item = _approval_request(self._response, number)
            self.items.append({"id": self._response.item_name(item["type"], number, "a"), **item})

    def _add(self, *items: dict[str, Any]) -> None:
        for item in items:
            name = self._response.item_name(item["type"], len(self.items))
            self.items.append({"id": name, "status": "completed", **item})

    def _file_search(self, found: Retrieval) -> dict[str, Any]:
        """A search of the GPT's files. Passages below the threshold were not read."""
        item: dict[str, Any] = {"type": "file_search_call", "queries": [found.query], "results": None}
        if SEARCH_RESULTS in self._include:
            passages = found.passages if found.covered or found.extract else ()
            item["results"] = [
                {
                    "file_id": each.file_id,
                    "filename": each.file_name,
                    "score": each.score,
                    "text": each.text,
                    "attributes": {},
                }
                for each in passages
            ]
        return item

    def _call(self, result: ToolResult, steps: Log) -> list[dict[str, Any]]:
        """A call of one of the GPT's tools; for pictures, an item each."""
        call = _call_of(result, steps)
        builtin = builtin_called(steps, call.name)
        status = {"status": "completed" if result.ok else "failed"}
        match builtin.spec.name if builtin else "":
            case "web_search":
                return [{**_web_search(call, result, self._include), **status}]
            case "open_page":
                action = {"type": "open_page", "url": call.arguments.get("url")}
                return [{"type": "web_search_call", "action": action, **status}]
            case "code_interpreter":
                return [{**self._code(call, result), **status}]
            case "make_image":
                return [{**each, **status} for each in _pictures(call, result)]
        if call.name in FILE_TOOLS:  # it named a file that there is not
            return []
        return [{**self._mcp_call(call, result), **status}]

    def _code(self, call: ToolCall, result: ToolResult) -> dict[str, Any]:
        item = {"type": "code_interpreter_call", "code": call.arguments.get("code"), "outputs": None}
        if "code_interpreter_call.outputs" in self._include:
            pictures = [{"type": "image", "url": file_url(file.id)} for file in result.files if file.mime in PICTURES]
            item["outputs"] = [{"type": "logs", "logs": result.text}, *pictures]
        return {**item, "container_id": self._container}

    @property
    def _container(self) -> str:
        """The sandbox, which lives as long as the run's conversation."""
        return f"cntr_{self._response.run.message.conversation_id.hex}"

    def _mcp_call(self, call: ToolCall, result: ToolResult) -> dict[str, Any]:
        """A call of an action, an MCP server, a remote agent or another GPT."""
        failed = {"type": "mcp_tool_execution_error", "content": [{"type": "text", "text": result.text}]}
        return {
            "type": "mcp_call",
            "name": call.name,
            "arguments": json.dumps(call.arguments, ensure_ascii=False),
            "server_label": server_labels(self._response.run.version.spec()).get(call.name) or THIS_SITE,
            "output": result.text if result.ok else None,
            "error": None if result.ok else failed,
            "approval_request_id": self._request_of(call),
        }

    def _request_of(self, call: ToolCall) -> str | None:
        """The id of the request, in an earlier response, that let a person decide on `call`."""
        if not self._response.since:
            return None
        for earlier in Response.objects.filter(run=self._response.run_id, until__lte=self._response.since):
            for number, asked in enumerate(earlier.asked):
                if asked[:2] == [str(self._response.run_id), call.call_id]:
                    return earlier.item_name("mcp_approval_request", number, "a")
        return None

    def _answer(self, answer: RunAnswer) -> list[dict[str, Any]]:
        """The answer, unless it was said before its calls already, or is nothing but calls."""
        text, calls = answer.said.text, answer.said.tool_calls
        told = [item for item in self.items if item["type"] == "message"]
        if calls and (not text or (told and told[-1]["content"][0]["text"] == text)):
            return []
        cited = [_annotation(each.model_dump(), self._tells_searches) for each in answer.citations]
        ends = {"start_index": len(text), "end_index": len(text), "container_id": self._container}
        kept = [
            {"type": "container_file_citation", "file_id": file.id, "filename": file.name, **ends}
            for file in made_files(answer.steps)
            if file.id
        ]
        item = said(text, [*cited, *kept], "commentary" if calls else "final_answer", answer.logprobs)
        return [{**item, "status": "incomplete" if answer.finish == "length" else "completed"}]

    def _functions(self, answer: RunAnswer) -> list[dict[str, Any]]:
        """The caller's functions to call."""
        tools = self._response.request.get("tools") or ()
        return [
            {
                "type": "function_call",
                "call_id": call.id,
                "arguments": call.function.arguments,
                **names_of(call.function.name, tools),
            }
            for call in answer.calls
        ]


def output_of(response: Response, steps: Log) -> list[dict[str, Any]]:
    """All output items of the response as far as its run has come."""
    output = Output(response)
    for number in range(response.since, len(steps) if response.until is None else response.until):
        output.take(steps, number)
    output.take_asked()
    return output.items


def _reasoning(reply: ModelReply) -> list[dict[str, Any]]:
    if not reply.reasoning:
        return []
    return [{"type": "reasoning", "summary": [{"type": "summary_text", "text": reply.reasoning}]}]


def _commentary(reply: ModelReply, steps: Log) -> list[dict[str, Any]]:
    """What the model said before calls of the GPT's own tools; what it says last is part of the answer."""
    first = steps[0]
    theirs = {function.name for function in first.overrides.functions} if isinstance(first, UserMessage) else set()
    makes_own = any(call.name not in theirs for call in reply.tool_calls)
    return [said(reply.text, phase="commentary", tokens=reply.logprobs)] if reply.text and makes_own else []


def _call_of(result: ToolResult, steps: Log) -> ToolCall:
    replies = (step for step in steps if isinstance(step, ModelReply))
    found = (call for reply in replies for call in reply.tool_calls if call.call_id == result.call_id)
    return next(found, ToolCall(call_id=result.call_id, name=result.name, arguments={}))


def _web_search(call: ToolCall, result: ToolResult, include: Iterable[str]) -> dict[str, Any]:
    query = str(call.arguments.get("query") or "")
    action: dict[str, Any] = {"type": "search", "query": query, "queries": [query]}
    if "web_search_call.action.sources" in include:
        action["sources"] = [{"type": "url", "url": url} for url in result.urls]
    return {"type": "web_search_call", "action": action}


def _pictures(call: ToolCall, result: ToolResult) -> list[dict[str, Any]]:
    item = {"type": "image_generation_call", "revised_prompt": call.arguments.get("prompt")}
    size = call.arguments.get("size")
    made = [{"result": _content(file), "output_format": file.mime.removeprefix("image/")} for file in result.files]
    return [{**item, **({"size": size} if size else {}), **each} for each in made or [{"result": None}]]


def _content(file: FileRef) -> str | None:
    """The file in Base64; None if it is gone."""
    row = ConversationFile.objects.kept().filter(id=file.id).first()
    return base64.b64encode(row.path.read_bytes()).decode() if row and row.path.is_file() else None


def _annotation(cited: dict[str, Any], names_searches: bool) -> dict[str, Any]:
    """A citation of a page or a file, of which OpenAI's format lacks the passage.

    Files are named as such to programs that ask for file searches. Others know pages only, as Open Responses does.
    """
    if cited["file_id"] and names_searches:
        # As with OpenAI, the index is the place in the text where the citation stands.
        return {**cited, "type": "file_citation", "index": cited["end_index"]}
    return {**cited, "type": "url_citation", "title": cited["filename"]}


def _approval_request(response: Response, number: int) -> dict[str, Any]:
    """The request for a person's approval of a call of the response's run, or of a child run of it."""
    run_id, request = UUID(response.asked[number][0]), request_in(response, number)
    call = _call_of(ToolResult(call_id=request.call_id, name=request.name, text=""), log.read(run_id))
    shown = {"title": request.title, "request": request.plain, "reason": request.reason, "sign_in": request.sign_in}
    return {
        "type": "mcp_approval_request",
        "name": request.name,
        "arguments": json.dumps(call.arguments, ensure_ascii=False),
        "server_label": request.host or THIS_SITE,
        "guildhall": {**shown, "url": page_of(run_id)},
    }
