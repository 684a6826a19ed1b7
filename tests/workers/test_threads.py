"""Every pool of threads, semaphore and process, and what bounds how long somebody can hold one of it.

A new one fails here until it is listed with its bound: a slot that is freed while its thread goes on is no bound.
"""

import ast
import re
from pathlib import Path

import pytest
from django.conf import settings

from gpts.spec.actions import CALL_TIMEOUT_S
from web import confined as site_confined
from web.api.audio import TIMEOUT_S as AUDIO_S
from web.api.content_files import FETCH_S
from web.builder.actions import IMPORT_TIMEOUT_S, TEST_TIMEOUT_S
from web.builder.agents import CARD_TIMEOUT_S
from web.builder.pictures import GENERATE_TIMEOUT_S
from web.mcp.oauth_documents import TIMEOUT_S as DOCUMENT_S
from web.operate.connecting import LIST_TIMEOUT_S
from web.runs.app_calls import TIMEOUT_S as APP_S
from web.runs.exports import PDF_S
from workers.deliveries import TIMEOUT_S as DELIVERY_S
from workers.rpc import actions, confined, exporting, model_servers, programs
from workers.runs.asking import MAX_OF_ONE, MAX_WAITING
from workers.tasks import VOICE_TIMEOUT_S
from workers.tools.a2a import cards
from workers.tools.actions.importing.confined import LIMITS, OF_TOOLS

ROOT = Path(__file__).parents[2]
MADE_BY = {
    *("ThreadPoolExecutor", "ProcessPoolExecutor", "Thread", "Timer", "Process", "Pool", "Popen"),
    *("Semaphore", "BoundedSemaphore", "CapacityLimiter", "Slots", "to_thread", "run_in_executor"),
    *("ThreadingMixIn", "ThreadingHTTPServer", "ThreadingTCPServer", "ThreadingUnixStreamServer"),
}
# Measures, and nothing that serves people.
SKIPPED = ("workers/bench/", "workers/engine/measuring.py", "workers/smallmodel/")  # the last means words
BOUNDS = {
    # Of the site.
    "platform/web/builder/views_portable.py": "one chunk of an export, which was stored within the quotas",
    "platform/web/handler.py": "admission by person; a request that waits for a worker is bounded by the RPC's time",
    "platform/web/deferred_views.py": "the import of one module, once; a request waits for it in its own place",
    "platform/web/bodies.py": "MAX_UPLOADS_PER_PERSON, and the time for a body",
    "platform/web/pulse.py": "one thread, which beats",
    "platform/web/rpc.py": "MAX_FORM_CALLS_PER_PERSON; the time of the call, and as long again if it is late",
    "platform/web/runs/connections.py": "open streams of a person, which hold no thread",
    "platform/web/runs/stream.py": "one thread, which sends tokens and never waits for a reader",
    # Of workers: the threads of their pools are in deploy/supervisor.conf.
    "workers/slots.py": "turns by person; a run's tools by their own times, an index job by the parser's limits",
    "workers/deliveries.py": "a few of each lane, DELIVERY_S each",
    "workers/runs/asking.py": "WAIT_S; MAX_WAITING of all, MAX_OF_ONE of one person",
    "workers/runs/calling.py": "MAX_PARALLEL of a run, whose tools have a deadline each",
    "workers/runs/leases.py": "one thread, which extends leases",
    "workers/heartbeat.py": "one thread each, which beat or measure",
    "workers/tasks.py": "one thread once, which loads the embedder",
    "workers/model_downloads.py": "operators only",
    "workers/egress/connecting.py": "the request's deadline",
    "workers/egress/resolving.py": "the system's resolver: it outlives its request by the time of one lookup",
    "workers/tools/mcp/eliciting.py": "what bounds workers/runs/asking.py; MAX_FORMS a call",
    # Of engines and knowledge.
    "workers/engine/cpu/batch.py": "one thread, which takes everybody's tokens in turn",
    "workers/engine/viewing.py": "one thread, which takes everybody's pictures in turn",
    "workers/knowledge/parsing.py": "loads the identifier of languages once",
    "workers/knowledge/segment_cache.py": "one thread, which checks our own files",
    # Child processes.
    "workers/isolation/parent.py": "ParserLimits: elapsed and CPU seconds, memory, bytes of the answer",
    "workers/voice/speaking.py": "the call's deadline, and the characters of a text",
    "workers/sandbox/__main__.py": "one thread, which accepts calls",
    "workers/sandbox/running.py": "the limits of the sandbox",
    "workers/sandbox/selfcheck.py": "once, at the start",
    "workers/sandbox/service.py": "_SEND_S to send a call; the time of the call",
    "workers/sandbox/sessions.py": "one thread, which starts interpreters",
}


def names_in(path: Path) -> set[str]:
    """What the module names, by its last part."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    return {node.attr for node in nodes if isinstance(node, ast.Attribute)} | {
        node.id for node in nodes if isinstance(node, ast.Name)
    }


def test_whatever_makes_threads_or_processes_is_listed_with_its_bound():
    paths = (path for folder in ("platform/web", "gpts", "workers") for path in (ROOT / folder).rglob("*.py"))
    found = {
        name
        for path in paths
        if names_in(path) & MADE_BY and not (name := str(path.relative_to(ROOT))).startswith(SKIPPED)
    }
    assert found == BOUNDS.keys()


# By task: how long its thread may take at most, and how long its caller waits.
CALLS = {
    "import_action": (actions._FETCH.timeout_s + LIMITS.wall_s, IMPORT_TIMEOUT_S),
    "list_mcp_tools": (CALL_TIMEOUT_S + OF_TOOLS.wall_s, TEST_TIMEOUT_S),
    "try_operation": (CALL_TIMEOUT_S, TEST_TIMEOUT_S),
    "call_for_app": (CALL_TIMEOUT_S, APP_S),
    "read_agent_card": (cards.LIMITS.timeout_s, CARD_TIMEOUT_S),
    "read_confined": (max(each.limits.wall_s for each in confined.READERS.values()), site_confined.TIMEOUT_S),
    "read_program_document": (programs.LIMITS.timeout_s, DOCUMENT_S),
    "fetch_picture": (programs.PICTURE_S, FETCH_S),
    "list_server_models": (model_servers.LIMITS.timeout_s, LIST_TIMEOUT_S),
    "export_pdf": (exporting.LIMITS.wall_s, PDF_S),
    "make_picture": (120.0, GENERATE_TIMEOUT_S),
    "transcribe": (VOICE_TIMEOUT_S, AUDIO_S),
}


@pytest.mark.parametrize("task", CALLS)
def test_no_thread_works_for_longer_than_its_caller_holds_a_place(task):
    """The place is held for as long again if the call is late (`web.rpc.call_for`)."""
    takes_s, waits_s = CALLS[task]
    assert takes_s <= waits_s


def test_forms_of_one_person_hold_a_few_threads_and_those_of_all_leave_some():
    text = (ROOT / "deploy/supervisor.conf").read_text()
    n_threads = int(re.findall(r"worker -Q tools .*--concurrency=(\d+)", text)[0])
    assert MAX_OF_ONE < MAX_WAITING < n_threads


def test_a_mail_server_that_hangs_holds_no_thread_for_long():
    assert 0 < settings.EMAIL_TIMEOUT <= DELIVERY_S
