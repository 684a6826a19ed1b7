"""The Celery tasks, safe to deliver twice. They take ids; only those for RPC (see web/rpc.py) return a payload."""

import json
import threading
from functools import partial
from typing import Any, Final
from uuid import UUID

from celery import shared_task
from celery.signals import task_prerun, worker_init, worker_ready, worker_shutdown
from django.conf import settings

from web import passing_files
from web.accounts import live_settings, outbox, quotas
from web.accounts.grants import forget_grants
from web.api import batch_work, history
from web.api.audio import TIMEOUT_S
from web.builder.files import queue_indexing, take_stalled_files
from web.builder.models import Gpt
from web.builder.models_files import content_path
from web.builder.widgets import forget_visitors
from web.checks import stop_unless_valid
from web.notifications import watching
from web.operate.backup import planned
from web.operate.erasure import erase_due
from web.operate.tidying import tidy
from web.pulse import start_pulse
from web.rpc import RpcTask
from web.runs import chat_imports, log, queued
from web.runs.approving import expire_approvals
from web.runs.citations import PICTURES
from web.runs.delegations import end_late
from web.runs.deletion import delete_unused, forget_transient
from web.runs.kept_files import content_may_go
from web.runs.models_stores import forget_expired_stores
from web.runs.wake import wake
from web.schedules import starting
from web.schedules.services import forget_old_runs
from web.store import standings
from workers import deliveries, heartbeat, model_survey
from workers.configuration import close, named_engines, policy, services, tool_settings
from workers.indexing import files as indexing
from workers.indexing import health as knowledge_health
from workers.indexing import lost_segments, store, syncing
from workers.indexing import probe as knowledge_probe
from workers.indexing.forgetting import forget_files
from workers.indexing.sweeping import sweep
from workers.knowledge import kept_notes, unions
from workers.knowledge.page_pictures import remove_old_pictures
from workers.knowledge.pipeline import remove_leftovers
from workers.model_downloads import start_downloads
from workers.models.errors import ModelError
from workers.rpc import actions as action_calls
from workers.rpc import (
    app_calls,
    audio,
    confined,
    counting,
    embeddings,
    exporting,
    model_servers,
    moderation,
    pictures,
    programs,
    sign_ins,
    sources,
)
from workers.runs import loop
from workers.slots import work_on_next, work_through

# Of what was transcribed or spoken for longer, nobody hears.
VOICE_TIMEOUT_S: Final = TIMEOUT_S - 5

rpc_task = partial(shared_task, base=RpcTask)


@shared_task(bind=True, name="workers.tasks.advance")
def advance(self: Any, run_id: str) -> None:
    """Advance the runs that wait in this worker's queue, usually only this one."""
    queue = self.request.delivery_info["routing_key"]
    work_through(queue, partial(loop.advance_next, queue, services))


@shared_task(name="workers.tasks.start_queued")
def start_queued(conversation_id: str) -> None:
    """Send the message that waited for the answer that has ended."""
    queued.start_next(UUID(conversation_id))


@shared_task(name="workers.tasks.run_schedules")
def run_schedules() -> None:
    """Start the runs of schedules that are due, and settle those that ended."""
    starting.work()


@shared_task(name="workers.tasks.deliver_results")
def deliver_results() -> None:
    """Send emails, and call webhooks."""
    work_through("deliver", partial(deliveries.deliver, tool_settings().egress))


@shared_task(name="workers.tasks.watch")
def watch() -> None:
    """Tell people of approvals that wait for them, and operators of workers that are away."""
    watching.approvals()
    watching.queues()


@shared_task(name="workers.tasks.check_sources")
def check_sources(source_id: str) -> None:
    """Look at the sources of knowledge that are due, usually only this one."""
    work_through("sources", partial(syncing.check_next, tool_settings().egress))


@shared_task(name="workers.tasks.index_file")
def index_file(file_id: str) -> None:
    """Parse, chunk and embed the files that wait, usually only this one."""
    work_through("index", indexing.index_next)


@shared_task(name="workers.tasks.refresh_store")
def refresh_store() -> None:
    """Bring what the store searches up to date."""
    while store.refresh(indexing.embedder()):
        pass


@shared_task(name="workers.tasks.refresh_standings")
def refresh_standings() -> None:
    """Count anew what the store sorts by."""
    standings.refresh()


def import_next() -> bool:
    """Read the export of chats that is next. False if none waits."""
    waiting, at_work = (rows.values_list("owner", flat=True) for rows in (chat_imports.due(), chat_imports.at_work()))
    return work_on_next("imports", waiting, at_work, chat_imports.claim, chat_imports.read)


@shared_task(name="workers.tasks.import_chats")
def import_chats(import_id: str) -> None:
    """Read the exports of chats that wait, usually only this one."""
    work_through("imports", import_next)


@shared_task(name="workers.tasks.work_batches")
def work_batches(batch_id: str) -> None:
    """Run the lines of batches while nobody waits."""
    work_through("batches", batch_work.work)


@shared_task(name="workers.tasks.download_models")
def download_models(download_id: str) -> None:
    """Start the downloads of models that are due, usually this one."""
    start_downloads()


@rpc_task(name="workers.tasks.remove_model")
def remove_model(name: str) -> dict[str, Any]:
    """Delete a model from this machine; the reason why not is in `refused`."""
    try:
        model_survey.remove_model(name)
    except ModelError as error:
        return {"refused": str(error)}
    model_survey.survey()
    return {}


@shared_task(name="workers.tasks.build_union")
def build_union(name: str) -> None:
    """Build the joint index of a large knowledge, unless it exists or another worker builds it."""
    unions.build(settings.GUILDHALL_HOME, name)


@shared_task(name="workers.tasks.wake_stalled_runs")
def wake_stalled_runs() -> None:
    """Send again the tasks that dead workers or lost messages left unfinished."""
    for run_id, queue in log.take_stalled():
        wake(run_id, queue)
    for kind in indexing.OWNERS:
        for file in take_stalled_files(kind):
            queue_indexing(file)
    for row in chat_imports.take_stalled():
        chat_imports.queue(row)
    for conversation in queued.due():
        queued.start_next(conversation)
    end_late()
    indexing.retire_if_idle()


@rpc_task(name="workers.tasks.ask_knowledge")
def ask_knowledge(gpt_id: str, question: str) -> dict[str, Any]:
    """The passages of a draft's files for the question."""
    gpt = Gpt.objects.get(id=gpt_id)
    chosen = named_engines().choose(gpt.engine, gpt.owner, (), services())
    return knowledge_probe.probe(chosen.services, gpt.draft_spec(), question)


@rpc_task(name="workers.tasks.count_tokens")
def count_tokens(gpt_id: str, message: str) -> dict[str, Any]:
    """The length of a prompt."""
    return counting.count_tokens(UUID(gpt_id), message, named_engines(), services(), tool_settings())


@rpc_task(name="workers.tasks.search_files")
def search_files(refs: str, queries: str, n: str) -> dict[str, Any]:
    """The passages of files for any of the queries."""
    return knowledge_probe.search(services().index, refs, queries, int(n))


@rpc_task(name="workers.tasks.file_text")
def file_text(ref: str) -> dict[str, Any]:
    """The text of a file."""
    return knowledge_probe.whole_text(services().index, ref)


@rpc_task(name="workers.tasks.file_passages")
def file_passages(segment: str, start: str) -> dict[str, Any]:
    """The passages of a file from one on, as its creator sees them."""
    return knowledge_probe.passages(segment, int(start))


@rpc_task(name="workers.tasks.knowledge_health")
def knowledge_health_of(gpt_id: str) -> dict[str, Any]:
    """The repetitions in a draft's files, and what was never used."""
    return knowledge_health.health(UUID(gpt_id))


@rpc_task(name="workers.tasks.show_source")
def show_source(segment: str, sha256: str, start: str, end: str) -> dict[str, Any]:
    """A quote in its file."""
    view = sources.source_view(segment, sha256, int(start), int(end))
    return view.model_dump(mode="json")


@rpc_task(name="workers.tasks.show_page")
def show_page(sha256: str, page: str) -> dict[str, Any]:
    """A picture of a page of a stored file."""
    return sources.page_view(sha256, int(page)).model_dump(mode="json")


@rpc_task(name="workers.tasks.embed_texts")
def embed_texts(texts: str, dimensions: str, most_tokens: str) -> dict[str, Any]:
    """The vectors of a program's texts."""
    return embeddings.embed(json.loads(texts), int(dimensions), int(most_tokens), indexing.embedder())


@rpc_task(name="workers.tasks.search_store")
def search_store(query: str) -> dict[str, Any]:
    """The GPTs of the store whose meaning is nearest to the query."""
    return store.search(query, indexing.embedder())


@rpc_task(name="workers.tasks.check_text")
def check_text(text: str) -> dict[str, Any]:
    """What the filter finds in a program's text."""
    return moderation.check(text)


@rpc_task(name="workers.tasks.make_picture")
def make_picture(gpt_id: str, prompt: str) -> dict[str, Any]:
    """A picture drawn for the GPT's draft."""
    return action_calls.draw(prompt, tool_settings())


@rpc_task(name="workers.tasks.draw_pictures")
def draw_pictures(arguments: str, source: str, user_id: str) -> dict[str, Any]:
    """Pictures for a program; `source` is the SHA-256 of a stored one to start from."""
    path = content_path(source) if source else None
    return pictures.draw(json.loads(arguments), path, int(user_id), tool_settings())


@rpc_task(name="workers.tasks.transcribe")
def transcribe(recording: str, hints: str) -> dict[str, Any]:
    """What was said in a recording, one of the site's passing files."""
    path, home, longest_s = passing_files.path_of(recording), settings.GUILDHALL_HOME, settings.MAX_AUDIO_S
    return audio.transcribe(path, longest_s, json.loads(hints), settings.VOICE_MODEL, home, VOICE_TIMEOUT_S)


@rpc_task(name="workers.tasks.speak")
def speak(text: str, speed: str, kind: str, target: str) -> dict[str, Any]:
    """The text read aloud, in one of the site's passing files."""
    path = passing_files.path_of(target)
    return audio.speak(text, float(speed), kind, settings.VOICE_SPEAKER, path, VOICE_TIMEOUT_S)


@rpc_task(name="workers.tasks.export_pdf")
def export_pdf(conversation_id: str, target: str) -> dict[str, Any]:
    """A chat as PDF, in one of the site's passing files."""
    return exporting.export(UUID(conversation_id), passing_files.path_of(target))


@rpc_task(name="workers.tasks.read_confined")
def read_confined(reader: str, name: str, args: str) -> dict[str, Any]:
    """What a reader makes of one of the site's passing files, in that file."""
    return confined.read(reader, passing_files.path_of(name), json.loads(args))


@rpc_task(name="workers.tasks.import_action")
def import_action(document: str, url: str, options: str) -> dict[str, Any]:
    """The operations of an OpenAPI document."""
    return action_calls.read_action(document, url, json.loads(options), tool_settings())


@rpc_task(name="workers.tasks.try_operation")
def try_operation(action_id: str, user_id: str, operation: str, arguments: str) -> dict[str, Any]:
    """The result of calling a draft's operation."""
    given = json.loads(arguments)
    return action_calls.try_operation(UUID(action_id), int(user_id), operation, given, tool_settings())


@rpc_task(name="workers.tasks.list_mcp_tools")
def list_mcp_tools(server_id: str) -> dict[str, Any]:
    """The tools of an MCP server."""
    return action_calls.mcp_tools(UUID(server_id), tool_settings())


@rpc_task(name="workers.tasks.call_for_app")
def call_for_app(call_id: str) -> dict[str, Any]:
    """The result of what an MCP server's page asked of its server, unless the person must allow it first."""
    return app_calls.perform(UUID(call_id), tool_settings(), policy())


@rpc_task(name="workers.tasks.read_agent_card")
def read_agent_card(card_url: str, agent_id: str) -> dict[str, Any]:
    """The facts in an Agent Card; `agent_id` is empty for an agent that is not in a GPT yet."""
    return action_calls.agent_card(card_url, UUID(agent_id) if agent_id else None, tool_settings())


@rpc_task(name="workers.tasks.list_server_models")
def list_server_models(url: str, sealed: str) -> dict[str, Any]:
    """The models of a server that an operator connects."""
    return model_servers.list_models(url, sealed)


@rpc_task(name="workers.tasks.read_program_document")
def read_program_document(url: str) -> dict[str, Any]:
    """What a program says of itself at the URL that is its id."""
    return programs.read_document(url, tool_settings().egress)


@rpc_task(name="workers.tasks.fetch_picture")
def fetch_picture(user_id: str, url: str) -> dict[str, Any]:
    """The id of the picture at a URL that a user's program sends, as a file of theirs."""
    return programs.fetch_picture(int(user_id), url, tool_settings().egress)


@rpc_task(name="workers.tasks.exchange_code")
def exchange_code(sign_in_id: str) -> dict[str, Any]:
    """Finish a user's sign-in."""
    return sign_ins.exchange_code(int(sign_in_id), tool_settings().egress)


@rpc_task(name="workers.tasks.revoke_sign_in")
def revoke_sign_in(sign_in_id: str) -> dict[str, Any]:
    """Revoke a user's sign-in."""
    return sign_ins.revoke(int(sign_in_id), tool_settings().egress)


@shared_task(name="workers.tasks.back_up")
def back_up(backup_id: str = "") -> None:
    """Make the backups that are wanted or due, and verify them."""
    planned.work()


@shared_task(name="workers.tasks.erase")
def erase_persons(user_id: str) -> None:
    """Erase those whose accounts were closed."""
    erase_due()


@shared_task(name="workers.tasks.forget")
def forget() -> None:
    """Delete expired data and the leftovers of killed workers."""
    delete_unused()
    erase_due()
    forget_transient()
    forget_visitors()
    forget_expired_stores()
    with content_may_go() as may:
        if may:
            forget_files()
            sweep()
            chat_imports.remove_leftovers()
    expire_approvals()
    forget_old_runs()
    outbox.forget_old()
    quotas.forget_old()
    forget_grants()
    history.forget_replies()
    passing_files.remove_late()
    remove_leftovers(settings.GUILDHALL_HOME)
    remove_old_pictures(settings.GUILDHALL_HOME / PICTURES)
    unions.remove_unused(settings.GUILDHALL_HOME)
    kept_notes.remove_unused(settings.GUILDHALL_HOME)
    tidy()


@worker_init.connect
def configure(**_: Any) -> None:
    """Read the settings before the first task, so that an invalid one prevents the start."""
    stop_unless_valid()
    tool_settings()


@task_prerun.connect
def follow_settings(**_: Any) -> None:
    """Have each task work with what operators set on pages."""
    live_settings.follow()


@worker_ready.connect
def announce(sender: Any, **_: Any) -> None:
    """Load, announce, change and download models, announce missing capabilities, or find lost segments, by queue.

    The first search of the store would come too late if the embedder were loaded for it.
    """
    start_pulse()
    queues = sender.app.amqp.queues.consume_from
    if "model" in queues:
        heartbeat.start_model()
        heartbeat.start_choice()
        heartbeat.start_checks()
        heartbeat.start_survey()
        threading.Thread(
            target=store.search, args=("", indexing.embedder()), name="store-search", daemon=True
        ).start()
    if "tools" in queues:
        heartbeat.start_tools()
    if "index" in queues:
        back_up.delay()  # which notices a backup that a killed worker had begun
        lost_segments.reindex_lost_files(indexing.embedder().id)


@worker_shutdown.connect
def close_engine(**_: Any) -> None:
    """End the engine's threads, which would keep the process alive."""
    close()
