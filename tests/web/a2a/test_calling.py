"""The SDK's own client against the live site: a GPT as an A2A agent, whose tasks are runs."""

import asyncio
from types import SimpleNamespace

import httpx
import pytest
from a2a.client import Client
from a2a.helpers import new_data_part, new_raw_part, new_url_part
from a2a.types import (
    CancelTaskRequest,
    GetTaskRequest,
    ListTasksRequest,
    SendMessageRequest,
    SubscribeToTaskRequest,
    Task,
    TaskPushNotificationConfig,
    TaskState,
)
from a2a.utils.errors import (
    ContentTypeNotSupportedError,
    InvalidParamsError,
    InvalidRequestError,
    PushNotificationNotSupportedError,
    TaskNotCancelableError,
    TaskNotFoundError,
    UnsupportedOperationError,
)
from google.protobuf.json_format import MessageToDict

from gpts.runs.steps import FileRef, Finished
from tests.publishing import publish
from tests.web.a2a.conftest import Caller, asking
from tests.web.api.conftest import ANSWER, CITATION, QUOTE, key_of
from web.a2a.following import _Converter
from web.builder.services import update_gpt
from web.runs import file_reading, files, log, services
from web.runs.access import access_run
from web.runs.connections import in_database
from web.runs.models import Conversation, ConversationFile, Message, Run

WAYS = pytest.mark.parametrize(("version", "binding"), [("1.0", "JSONRPC"), ("1.0", "HTTP+JSON"), ("0.3", "JSONRPC")])


@WAYS
def test_a_task_is_a_run_in_a_hidden_conversation(bobs, worker, meanwhile, version, binding):
    bobs.streaming, bobs.version, bobs.binding = False, version, binding
    meanwhile(worker.answer)
    task = bobs.send(asking("Which seal?"))[0].task
    run = Run.objects.get(id=task.id)
    assert task.context_id == str(run.message.conversation_id)
    assert run.message.conversation.origin == Conversation.Origin.API
    assert task.status.state == TaskState.TASK_STATE_COMPLETED
    assert task.artifacts[0].parts[0].text == ANSWER
    assert task.history[0].parts[0].text == "Which seal?"


def test_citations_are_in_the_answer_s_metadata(bobs, worker, meanwhile):
    bobs.streaming = False
    meanwhile(worker.answer)
    told = MessageToDict(bobs.send(asking("Which seal?"))[0].task.artifacts[0].metadata)
    assert told["coverage"] == "covered"
    assert (told["citations"][0]["file_name"], told["citations"][0]["page"]) == ("manual.pdf", 7)
    assert "segment" not in told["citations"][0]
    assert told["citations"][0]["url"].startswith("http")

    def decline() -> None:
        worker.take()
        last = Finished(text="I can’t tell.", closest=(CITATION,), coverage="not_covered")
        services.finish_run(worker.run_id, last, worker.lease)

    meanwhile(decline)
    declined = MessageToDict(bobs.send(asking("Which seal?"))[0].task.artifacts[0].metadata)
    assert (declined["citations"], declined["closest"][0]["quote"]) == ([], QUOTE)


@WAYS
def test_an_answer_is_streamed_in_pieces(bobs, worker, meanwhile, version, binding):
    def begin() -> None:
        worker.take()
        worker.retrieve()

    def write() -> None:
        worker.write("The seal is ", "ZP-771.", " Fit it", " dry.")
        worker.finish()

    async def talk(client: Client) -> list:
        events = []
        async for event in client.send_message(asking("Which seal?")):
            events.append(event)
            if len(events) == 2:  # it is told that the run is at work: the reader follows
                meanwhile(write)
        return events

    bobs.version, bobs.binding = version, binding
    meanwhile(begin)
    sent = bobs.run(talk)
    kinds = [event.WhichOneof("payload") for event in sent]
    assert (kinds[:2], kinds[-1]) == (["task", "status_update"], "status_update")
    assert sent[1].status_update.status.state == TaskState.TASK_STATE_WORKING
    assert sent[-1].status_update.status.state == TaskState.TASK_STATE_COMPLETED
    pieces = [event.artifact_update for event in sent if event.HasField("artifact_update")]
    assert "".join(piece.artifact.parts[0].text for piece in pieces[:-1]) == ANSWER
    assert all(piece.append for piece in pieces[1:-1])
    assert (pieces[0].append, pieces[-1].append, pieces[-1].last_chunk) == (False, False, True)
    assert pieces[-1].artifact.parts[0].text == ANSWER


def test_a_reply_that_begins_anew_takes_the_place_of_the_first():
    telling = _Converter(Run(message=Message(conversation=Conversation())))
    events = [
        {"type": "attempt", "seq": 2, "attempt": 1},
        {"type": "token", "text": "The pump "},
        {"type": "token", "text": "is"},
        {"type": "attempt", "seq": 2, "attempt": 2},
        {"type": "token", "text": "The seal "},
    ]
    pieces = [piece for event in events if (piece := telling.update(event))]
    assert [(piece.append, piece.artifact.parts[0].text) for piece in pieces] == [
        (False, "The pump "),
        (True, "is"),
        (False, "The seal "),
    ]


def test_a_caller_can_leave_come_back_and_read_the_task(bobs, worker, meanwhile):
    async def begin(client: Client) -> Task:
        async for event in client.send_message(asking("Which seal?")):
            return event.task
        raise AssertionError

    task = bobs.run(begin)
    worker.take()

    def finish() -> None:
        worker.write("The seal is ZP-771.")
        worker.finish("The seal is ZP-771.", ())

    async def follow(client: Client) -> list:
        events = []
        async for event in client.subscribe(SubscribeToTaskRequest(id=task.id)):
            events.append(event)
            if event.HasField("task"):
                meanwhile(finish)
        return events

    followed = bobs.run(follow)
    assert followed[0].task.id == task.id
    assert followed[-1].status_update.status.state == TaskState.TASK_STATE_COMPLETED
    read = bobs.run(lambda client: client.get_task(GetTaskRequest(id=task.id)))
    assert read.artifacts[0].parts[0].text == "The seal is ZP-771."


def test_a_task_can_be_had_at_once_and_polled(bobs, worker):
    bobs.streaming = False
    task = bobs.send(asking("Which seal?", at_once=True))[0].task
    assert task.status.state == TaskState.TASK_STATE_SUBMITTED
    worker.answer()
    read = bobs.run(lambda client: client.get_task(GetTaskRequest(id=task.id, history_length=0)))
    assert read.status.state == TaskState.TASK_STATE_COMPLETED
    assert not read.history


def test_a_task_is_cancelled_once(bobs, bob):
    bobs.streaming = False
    task = bobs.send(asking("Which seal?", at_once=True))[0].task
    cancelled = bobs.run(lambda client: client.cancel_task(CancelTaskRequest(id=task.id)))
    assert cancelled.status.state == TaskState.TASK_STATE_CANCELED
    assert access_run(bob, task.id).status == Run.Status.CANCELLED
    with pytest.raises(TaskNotCancelableError):
        bobs.run(lambda client: client.cancel_task(CancelTaskRequest(id=task.id)))


@pytest.mark.parametrize("streaming", [True, False])
def test_a_run_that_waits_for_a_person_says_for_what(bobs, worker, meanwhile, streaming):
    def ask() -> None:
        worker.take()
        worker.ask_person()

    bobs.streaming = streaming
    meanwhile(ask)
    last = bobs.send(asking("Send it"))[-1]
    status = last.status_update.status if streaming else last.task.status
    assert status.state == TaskState.TASK_STATE_INPUT_REQUIRED
    assert "asks for approval: send_mail." in status.message.parts[0].text
    assert f"/runs/{worker.run_id}/." in status.message.parts[0].text
    assert MessageToDict(status.message.metadata)["approvals"] == [{"run": str(worker.run_id), "call_id": "w1"}]


def test_tasks_that_wait_are_listed_by_what_they_wait_for(bobs, worker, meanwhile):
    bobs.streaming = False
    waiting = {}
    for state, host in (("INPUT", ""), ("AUTH", "mail.example")):
        meanwhile(lambda host=host: (worker.take(), worker.ask_person(host)))
        waiting[TaskState.Value(f"TASK_STATE_{state}_REQUIRED")] = bobs.send(asking("Send it"))[0].task
    for state, task in waiting.items():
        assert task.status.state == state
        listed = bobs.run(lambda client, state=state: client.list_tasks(ListTasksRequest(status=state)))
        assert [each.id for each in listed.tasks] == [task.id]


def test_no_message_answers_an_approval(bobs, worker, meanwhile, bob):
    bobs.streaming = False
    meanwhile(lambda: (worker.take(), worker.ask_person()))
    task = bobs.send(asking("Send it"))[0].task
    with pytest.raises(UnsupportedOperationError):
        bobs.send(asking("Allow it", task_id=task.id, context_id=task.context_id))
    assert access_run(bob, task.id).status == Run.Status.REQUIRES_ACTION


def test_a_failed_run_says_why(bobs, worker, meanwhile):
    bobs.streaming = False
    meanwhile(lambda: (worker.take(), worker.fail("The model is away.")))
    status = bobs.send(asking("Hello"))[0].task.status
    assert (status.state, status.message.parts[0].text) == (TaskState.TASK_STATE_FAILED, "The model is away.")


def test_a_conversation_goes_on_in_its_context(bobs, worker, meanwhile):
    bobs.streaming = False
    meanwhile(worker.answer)
    first = bobs.send(asking("Which seal?"))[0].task
    meanwhile(worker.answer)
    second = bobs.send(asking("And which filter?", context_id=first.context_id))[0].task
    assert second.context_id == first.context_id
    assert len(services.history(Run.objects.get(id=second.id))) == 1
    listed = bobs.run(lambda client: client.list_tasks(ListTasksRequest(context_id=first.context_id, page_size=1)))
    assert ([task.id for task in listed.tasks], listed.total_size) == ([second.id], 2)
    rest = ListTasksRequest(context_id=first.context_id, page_size=1, page_token=listed.next_page_token)
    assert [task.id for task in bobs.run(lambda client: client.list_tasks(rest)).tasks] == [first.id]
    assert not listed.tasks[0].artifacts
    whole = bobs.run(lambda client: client.list_tasks(ListTasksRequest(include_artifacts=True)))
    assert [task.artifacts[0].parts[0].text for task in whole.tasks] == [ANSWER, ANSWER]
    last, earlier = (task.status.timestamp for task in whole.tasks[:2])
    assert earlier.ToDatetime() < last.ToDatetime()
    later = ListTasksRequest(status_timestamp_after=earlier)
    assert [task.id for task in bobs.run(lambda client: client.list_tasks(later)).tasks] == [whole.tasks[0].id]
    headers = {"Authorization": f"Bearer {bobs.key}", "A2A-Version": "1.0"}
    asked = {"jsonrpc": "2.0", "id": 1, "method": "ListTasks", "params": {"status": "TASK_STATE_LAZY"}}
    wrong = httpx.post(f"{bobs.url}/a2a/pump-doctor", json=asked, headers=headers).json()
    assert wrong["error"]["code"] == -32602
    assert httpx.get(f"{bobs.url}/a2a/pump-doctor/tasks?status=x", headers=headers).status_code == 400
    running = ListTasksRequest(status=TaskState.TASK_STATE_WORKING)
    assert not bobs.run(lambda client: client.list_tasks(running)).tasks


def test_files_and_data_come_along(bobs, worker, bob, monkeypatch):
    bobs.streaming = False
    n_polls = 0

    async def read_meanwhile(_: float) -> None:
        nonlocal n_polls
        n_polls += 1
        await in_database(ConversationFile.objects.update, status="ready", segment="00ff")

    monkeypatch.setattr(file_reading, "asyncio", SimpleNamespace(sleep=read_meanwhile))
    parts = ["Look:", new_data_part({"pump": "Z-9"}), new_raw_part(b"a,b", "text/csv", "sales.csv")]
    task = bobs.send(asking(*parts, at_once=True))[0].task
    first = log.read(Run.objects.get(id=task.id).id)[0]
    assert first.text == 'Look:\n\n{"pump": "Z-9"}'
    assert [(file.name, file.size, file.segment) for file in first.attachments] == [("sales.csv", 3, "00ff")]
    assert n_polls == 1  # it was waited for
    with pytest.raises(ContentTypeNotSupportedError, match="not fetched"):
        bobs.send(asking("Look:", new_url_part("http://169.254.169.254/", filename="a.txt")))


def test_files_that_tools_made_are_in_the_answer(bobs, worker, meanwhile):
    def make() -> None:
        worker.take()
        kept = files.keep(Run.objects.get(id=worker.run_id), "chart.png", b"\x89PNG\r\n\x1a\n", False)
        worker.use_tool("", FileRef(**kept.model_dump()))
        worker.finish("Here it is.", ())

    bobs.streaming = False
    meanwhile(make)
    answer, chart = bobs.send(asking("Draw"))[0].task.artifacts
    assert answer.parts[0].text == "Here it is."
    assert (chart.parts[0].filename, chart.parts[0].raw) == ("chart.png", b"\x89PNG\r\n\x1a\n")


def test_limits_are_told(bobs, settings):
    bobs.streaming = False
    settings.MAX_ACTIVE_RUNS = 0
    with pytest.raises(InvalidRequestError, match="limit of 0 answers in progress"):
        bobs.send(asking("Hello"))
    with pytest.raises(InvalidParamsError, match="Enter a message"):
        bobs.send(asking(" "))
    assert not Conversation.objects.filter(origin="api").exists()


def test_what_is_not_offered_is_refused(bobs):
    config = TaskPushNotificationConfig(task_id="1", url="https://example.org/hook")
    with pytest.raises(PushNotificationNotSupportedError):
        bobs.run(lambda client: client.create_task_push_notification_config(config))


@pytest.mark.parametrize("chosen", ["client-context-001", "6f9619ff-8b86-d011-b42d-00c04fc964ff"])
def test_a_context_id_of_the_caller_s_choice_is_kept(bobs, worker, meanwhile, chosen):
    bobs.streaming = False
    tasks = []
    for text in ("Which seal?", "And the filter?"):
        meanwhile(worker.answer)
        tasks.append(bobs.send(asking(text, context_id=chosen))[0].task)
    assert [task.context_id for task in tasks] == [chosen, chosen]
    assert len(services.history(Run.objects.get(id=tasks[1].id))) == 1
    listed = bobs.run(lambda client: client.list_tasks(ListTasksRequest(context_id=chosen)))
    assert {task.id for task in listed.tasks} == {task.id for task in tasks}
    for wrong in ("x" * 201, "a\x00b"):
        with pytest.raises(InvalidParamsError):
            bobs.send(asking("Hello", context_id=wrong))


@pytest.mark.parametrize(
    ("version", "method", "params"),
    [
        ("0.3", "message/send", {}),
        ("0.3", "message/send", "x"),
        ("", "tasks/get", {"id": 5}),
        ("0.3.0", "message/send", {"message": {"role": "user", "messageId": "m", "parts": [{"kind": "nothing"}]}}),
        ("1.0", "SendMessage", "x"),
        ("1.0", "GetTask", {"id": 5}),
    ],
)
def test_invalid_parameters_have_the_code_of_invalid_parameters(live, gpt, bob, version, method, params):
    response = _posted(live, bob, version, {"jsonrpc": "2.0", "id": 7, "method": method, "params": params})
    assert (response["id"], response["error"]["code"]) == (7, -32602)
    response = _posted(live, bob, version, {"id": 7, "method": method, "params": {}})
    assert response["error"]["code"] == -32600  # no JSON-RPC at all


def test_a_request_by_a_name_of_1_0_needs_no_header(live, gpt, bob):
    told = {"jsonrpc": "2.0", "id": 7, "method": "ListTasks", "params": {}}
    assert "result" in _posted(live, bob, "", told)
    assert _posted(live, bob, "2.0", told)["error"]["code"] == -32009
    headers = {"Authorization": f"Bearer {key_of(bob)}"}
    assert httpx.get(f"{live}/a2a/pump-doctor/tasks", headers=headers).status_code == 200


def _posted(live, bob, version, told):
    headers = {"Authorization": f"Bearer {key_of(bob)}", **({"A2A-Version": version} if version else {})}
    return httpx.post(f"{live}/a2a/pump-doctor", json=told, headers=headers).json()


def test_a_message_goes_on_from_a_task_in_its_context(bobs, worker, meanwhile):
    bobs.streaming = False
    meanwhile(worker.answer)
    first = bobs.send(asking("Which seal?"))[0].task
    with pytest.raises(UnsupportedOperationError, match=f"context id {first.context_id}"):
        bobs.send(asking("And the filter?", task_id=first.id))
    with pytest.raises(InvalidParamsError, match="another context"):
        bobs.send(asking("And the filter?", task_id=first.id, context_id="other"))
    unknown = "00000000-0000-0000-0000-000000000000"
    for task_id in (unknown, "x"):
        with pytest.raises(TaskNotFoundError):
            bobs.send(asking("And the filter?", task_id=task_id))
    request = asking("And the filter?", at_once=True)
    request.message.reference_task_ids.append(first.id)
    second = bobs.send(request)[0].task
    assert (second.context_id, second.id == first.id) == (first.context_id, False)
    assert len(services.history(Run.objects.get(id=second.id))) == 1
    request.message.reference_task_ids[:] = [unknown]
    with pytest.raises(TaskNotFoundError):
        bobs.send(request)


def test_a_message_may_be_a_file_alone(bobs, worker, bob, monkeypatch):
    bobs.streaming = False

    async def read_meanwhile(_: float) -> None:
        await in_database(ConversationFile.objects.update, status="ready", segment="00ff")

    monkeypatch.setattr(file_reading, "asyncio", SimpleNamespace(sleep=read_meanwhile))
    task = bobs.send(asking(new_raw_part(b"a,b", "text/csv", "sales.csv"), at_once=True))[0].task
    first = log.read(Run.objects.get(id=task.id).id)[0]
    assert (first.text, [file.name for file in first.attachments]) == ("", ["sales.csv"])
    assert [part.filename for part in task.history[0].parts] == ["sales.csv"]


class TestOthers:
    """Tasks and contexts are those of the person and of this GPT."""

    @pytest.fixture
    def task(self, bobs) -> Task:
        bobs.streaming = False
        return bobs.send(asking("Which seal?", at_once=True))[0].task

    @pytest.fixture
    def charlies(self, live, charlie, gpt) -> Caller:
        caller = Caller(live, key_of(charlie))
        caller.streaming = False
        return caller

    def test_a_stranger_s_program_finds_no_task(self, charlies, task):
        for call in (
            lambda client: client.get_task(GetTaskRequest(id=task.id)),
            lambda client: client.cancel_task(CancelTaskRequest(id=task.id)),
        ):
            with pytest.raises(TaskNotFoundError):
                charlies.run(call)
        assert not charlies.run(lambda client: client.list_tasks(ListTasksRequest())).tasks

    def test_nor_does_it_follow_one_or_enter_its_context(self, charlies, task):
        charlies.streaming = True

        async def follow(client: Client) -> list:
            return [event async for event in client.subscribe(SubscribeToTaskRequest(id=task.id))]

        with pytest.raises(TaskNotFoundError):
            charlies.run(follow)
        charlies.streaming = False
        own = charlies.send(asking("Hello", context_id=task.context_id, at_once=True))[0].task
        assert services.history(Run.objects.get(id=own.id)) == ()
        chats = Run.objects.filter(id__in=[task.id, own.id]).values_list("message__conversation", flat=True)
        assert len(set(chats)) == 2

    @pytest.mark.parametrize("task_id", ["", "1", "../../etc", "00000000-0000-0000-0000-000000000000"])
    def test_there_is_no_such_task(self, bobs, task_id):
        with pytest.raises((TaskNotFoundError, InvalidParamsError)):
            bobs.run(lambda client: client.get_task(GetTaskRequest(id=task_id)))

    def test_a_chat_of_one_s_own_is_no_context(self, bobs, conversation):
        bobs.streaming = False
        task = bobs.send(asking("Hello", context_id=str(conversation.id), at_once=True))[0].task
        assert Run.objects.get(id=task.id).message.conversation_id != conversation.id


def test_a_caller_that_waits_and_leaves_does_not_end_the_run(bobs, worker, bob):
    bobs.streaming = False

    async def impatient(client: Client) -> None:
        async def talk() -> None:
            async for _ in client.send_message(SendMessageRequest(message=asking("Hello").message)):
                pass

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(talk(), 1.0)

    bobs.run(impatient)
    worker.answer()
    assert access_run(bob, worker.run_id).status == Run.Status.COMPLETED


def test_inputs_come_in_the_metadata_of_the_first_message(bobs, gpt, worker, meanwhile):
    publish(update_gpt(gpt, {"inputs": [{"name": "customer", "required": True}]}, by=gpt.owner))
    with pytest.raises(Exception, match="customer"):
        bobs.send(asking("Hello"))
    meanwhile(worker.answer)
    request = asking("Hello")
    request.message.metadata.update({"inputs": {"customer": "Acme"}})
    bobs.send(request)
    assert Run.objects.get().message.conversation.inputs == {"customer": "Acme"}
