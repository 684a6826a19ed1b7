"""Errors that models read as the site's own words: what stands in them besides fixed text.

A new part of such a sentence fails here until it is listed, or is given an author with `written_by`.
"""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
ERRORS = {"ToolError", "EgressFailed", "EgressRefused", "TokenRefused", "AgentRefused", "SandboxError"}
# Numbers, and what the person, the model, the creator or the operator wrote: no part comes from a response.
KNOWN = {
    "by the creator or as the GPT was granted it": {
        "agent.name", "self.agent.name", "server.name", "self.server.name", "self._what", "row.name", "sign_in.host",
        "row.secret_host", "UNSEEN.format(name=row.name)", "message",
    },
    "from the address that was called": {
        "host", "self.host", "target.host", "address", "host_of(agent.url)", "host_of(card_url)", "port",
        "target.address",
        "failure(response, host, None)",  # the status, and the response if there is a value
        "failure(Response(cause.response.status_code, {}, b'', ''), host_of(agent.url), None)",
    },
    "from the arguments of the call": {
        "wire.name", "plain(value)[:80]", "f' at “{place}”' if place else ''", "error.message[:300]", "name[:80]",
        "str(name)[:80]", "method[:20]", "name", "what",
    },
    "names of the conversation's own files, labelled with it": {"file.name"},
    "another error of this list": {
        "error", "str(error)", "scrub(str(error), credential)", "scrub(str(cause), credential)",
        "_logged(problem)", "_logged(f'{folder}: {error}')",
        "_reason(response.status_code, bytes(body), request.url.path)",  # a fixed sentence for each status
    },
    "of the agent, whose caught AgentRefused becomes a result with its author": {"error.message"},
    "a name of the site's own": {
        "known", "size", "refusal.reason", "', '.join(SIZES)", "' and '.join(map(str, self._ports))",
    },
}  # fmt: skip


def _parts(argument: ast.expr) -> list[str]:
    """The parts of a message that are not fixed text. Numbers with a format, and constants, are."""
    if isinstance(argument, ast.BinOp):
        return _parts(argument.left) + _parts(argument.right)
    if isinstance(argument, ast.JoinedStr):
        values = [value for value in argument.values if isinstance(value, ast.FormattedValue)]
        return [ast.unparse(value.value) for value in values if not _is_number(value)]
    is_fixed = isinstance(argument, ast.Constant) or (isinstance(argument, ast.Name) and argument.id.isupper())
    return [] if is_fixed else [ast.unparse(argument)]


def _is_number(value: ast.FormattedValue) -> bool:
    text = ast.unparse(value.value)
    is_formatted = value.format_spec is not None
    return is_formatted or text.isupper() or text.startswith(("len(", "MAX_")) or "status" in text.split(".")[-1]


def _sentences() -> list[tuple[str, str]]:
    """Each part of each error, with its place; those with an author of their own are labelled by it."""
    found = []
    for path in (*ROOT.glob("workers/**/*.py"), *ROOT.glob("gpts/egress/*.py")):
        if "bench" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS):
                continue
            if len(node.args) == 1 and "written_by" not in {keyword.arg for keyword in node.keywords}:
                place = f"{path.relative_to(ROOT)}:{node.lineno}"
                found += [(part, place) for part in _parts(node.args[0])]
    return found


def test_every_part_of_an_error_is_known_not_to_come_from_a_response() -> None:
    known = set().union(*KNOWN.values())
    unlisted = {f"{part} in {place}" for part, place in _sentences() if part not in known}
    assert not unlisted, "name where the text comes from, or give its author with `written_by`"


def test_nothing_is_listed_that_is_gone() -> None:
    assert not set().union(*KNOWN.values()) - {part for part, _ in _sentences()}
