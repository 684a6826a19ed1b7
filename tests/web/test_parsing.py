"""Every place where the site parses a format, with whose text it is and what bounds it in bytes and time.

A picture, an archive or JSON of a few megabytes can take a minute or gigabytes. So what people upload is read by
`web.confined`, in a process that may be lost, and the site itself parses what is small, or its own.
"""

import ast
import re
from pathlib import Path

from django.conf import settings

from gpts.portable import archive
from web import confined, rpc

ROOT = Path(__file__).parents[2]
# Libraries for formats of others: no process of the site may load them.
HEAVY = {
    "PIL",
    "yaml",
    "lxml",
    "bs4",
    "html5lib",
    "docx",
    "openpyxl",
    "pypdfium2",
    "pypdf",
    "xml",
    "imaplib",
    "pickle",
}
PARSES = {
    *("loads", "from_json", "model_validate_json", "validate_json", "JSONDecoder", "raw_decode", "literal_eval"),
    *("ZipFile", "is_zipfile", "DictReader", "decompress", "decompressobj", "fromstring", "parseString", "safe_load"),
    *("message_from_bytes", "message_from_string", "tarfile.open", "csv.reader", "gzip.open"),
}
# Bodies other than uploads: DATA_UPLOAD_MAX_MEMORY_SIZE, which takes 0.1 s.
BODY = "a request's body, of up to 2.5 MB"
OURS = "what the site or its operator wrote"
SIGNED = "what the site signed"
CONFINED = "a confined process only"
LISTED = {
    "platform/web/a2a/requests.py": BODY,
    "platform/web/api/batch_lines.py": "a line of up to 2.5 MB",
    "platform/web/api/messages.py": BODY,
    "platform/web/api/reading.py": BODY,
    "platform/web/mcp/asking.py": BODY,
    "platform/web/scim/views.py": BODY,
    "platform/web/mcp/oauth_documents.py": "10 kB, as the worker fetched them",
    "platform/web/operate/people_list.py": "a list of up to 200 kB, from an operator",
    "platform/web/runs/importing.py": "what a confined process made: up to 16 MB of known shape",
    "platform/web/builder/pictures.py": "what a confined process made: two values",
    "gpts/portable/archive.py": "the list of an archive, of up to MAX_LIST_BYTES; entries by their declared sizes",
    "gpts/portable/package.py": CONFINED,
    "gpts/portable/recognising.py": CONFINED,
    "gpts/portable/chatgpt_chats.py": CONFINED,
    "gpts/portable/json_stream.py": "an index worker",
    "platform/web/runs/chat_imports.py": "an index worker",
    **dict.fromkeys(
        (
            *("platform/web/accounts/suspended.py", "platform/web/api/paging.py", "platform/web/builder/widgets.py"),
            *("platform/web/mcp/oauth_views.py", "platform/web/notifications/kinds.py"),
        ),
        SIGNED,
    ),
    **dict.fromkeys(
        (
            *("platform/web/accounts/live_settings.py", "platform/web/accounts/outbox.py"),
            *("platform/web/api/batch_work.py", "platform/web/api/completions.py"),
            *("platform/web/api/management/commands/ask.py", "platform/web/api/response_request.py"),
            *("platform/web/api/apis.py",),
            *("platform/web/builder/exports.py", "platform/web/builder/faces.py", "platform/web/catalogs.py"),
            *("platform/web/builder/management/commands/createsamples.py", "platform/web/builder/models_actions.py"),
            *("platform/web/checks.py", "platform/web/engines.py", "platform/web/erasures.py"),
            *("platform/web/operate/backup/archive.py", "platform/web/operate/backup/keys.py"),
            *("platform/web/operate/machine.py",),
            *(
                "platform/web/operate/backup/wanted.py",
                "platform/web/operate/views.py",
                "platform/web/runs/copies.py",
            ),
            *("platform/web/runs/drafts.py", "platform/web/runs/stream.py", "platform/web/secrets.py"),
            *("platform/web/sign_in.py", "platform/web/worker_texts.py"),
        ),
        OURS,
    ),
}


def trees():
    for folder in ("platform/web", "gpts/portable"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield str(path.relative_to(ROOT)), ast.parse(path.read_text("utf-8"))


def called(tree: ast.AST) -> set[str]:
    names = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return names | {name.rpartition(".")[2] for name in names}


def imported(tree: ast.AST) -> set[str]:
    modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    modules += [each.name for node in ast.walk(tree) if isinstance(node, ast.Import) for each in node.names]
    return {name.partition(".")[0] for name in modules}


def test_what_the_site_parses_is_listed_with_its_bound():
    assert {name for name, tree in trees() if called(tree) & PARSES} == LISTED.keys()


def test_the_site_loads_no_parser_of_strangers_formats():
    assert [name for name, tree in trees() if imported(tree) & HEAVY] == []


def test_the_bounds_are_small_and_what_is_said_to_be_confined_is_called_there_only():
    assert settings.DATA_UPLOAD_MAX_MEMORY_SIZE <= 2_500_000
    assert archive.MAX_LIST_BYTES <= 20_000_000
    assert rpc.MAX_PAYLOAD_BYTES <= 4_000_000
    assert confined.TIMEOUT_S <= 30
    site = "\n".join(path.read_text("utf-8") for path in (ROOT / "platform/web").rglob("*.py"))
    assert not re.findall(r"\b(?:recognise|recognise_pasted|read_square)\(", site)
