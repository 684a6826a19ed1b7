"""Projects: what their chats get, and who reaches them."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import Http404
from django.test import Client

from gpts.runs.prompt import build_prompt
from gpts.runs.steps import Finished, UserMessage
from gpts.safety.flow import label_of
from web.runs import copies, files, log, projects, services
from web.runs.errors import Refused, StillReading
from web.runs.models import Conversation, ConversationFile, Run
from web.runs.models_chats import Project


@pytest.fixture
def page(bob) -> Client:
    client = Client()
    client.force_login(bob)
    return client


@pytest.fixture
def project(bob) -> Project:
    return projects.create(bob, "School", "Answer in short sentences.")


def read(file: ConversationFile, segment: str = "s") -> ConversationFile:
    """The file as it is once a worker has read it."""
    file.status, file.segment, file.n_tokens = ConversationFile.Status.READY, segment, 9
    file.save()
    return file


def ask(conversation: Conversation, text: str = "Hi") -> Run:
    run = services.start_run(conversation, text)
    log.append(run.id, Finished(text="Hello."))
    return run


def test_each_message_comes_with_what_the_project_wants_and_its_files(bob, gpt, project):
    read(projects.add_file(project, "plan.txt", [b"Monday: maths."]))
    chat = services.start_conversation(bob, gpt, project=project)
    first, second = (log.first(ask(chat).id) for _ in range(2))
    assert (first.background.project, first.background.wishes) == ("School", "Answer in short sentences.")
    assert [file.name for file in first.project_files] == ["plan.txt"]
    assert first.project_files == second.project_files
    assert files.access_file(bob, first.project_files[0].id).conversation == chat
    assert label_of(first).is_untrusted
    texts = [message.content for message in build_prompt(gpt.published.spec(), [(first,)], (second,))]
    assert texts[1].count("Answer in short sentences.") == texts[1].count("plan.txt") == 1
    assert "plan.txt" not in texts[2]


def test_changes_reach_later_messages_and_removed_files_stay_with_those_that_have_them(bob, gpt, project):
    plan = read(projects.add_file(project, "plan.txt", [b"Monday: maths."]))
    chat = services.start_conversation(bob, gpt, project=project)
    first = log.first(ask(chat).id)
    projects.remove_file(project, plan.id)
    read(projects.add_file(project, "new.txt", [b"Tuesday: art."]), "t")
    projects.change(project, "School", "Be long.")
    second = log.first(ask(chat).id)
    assert [file.name for file in second.project_files] == ["new.txt"]
    assert second.background.wishes == "Be long."
    assert files.access_file(bob, first.project_files[0].id).name == "plan.txt"


def test_a_file_that_is_being_read_is_waited_for_and_one_that_cannot_be_is_left_out(bob, gpt, project):
    file = projects.add_file(project, "plan.txt", [b"Monday: maths."])
    with pytest.raises(StillReading, match=r"plan\.txt.*School"):
        services.start_run(services.start_conversation(bob, gpt, project=project), "Hi")
    assert not Run.objects.exists()
    file.status = ConversationFile.Status.FAILED
    file.save()
    assert log.first(ask(services.start_conversation(bob, gpt, project=project)).id).project_files == ()


def test_files_of_a_project_are_neither_sent_nor_forgotten_nor_removed_as_attachments(bob, gpt, project):
    file = read(projects.add_file(project, "plan.txt", [b"Monday: maths."]))
    with pytest.raises(Refused):
        services.start_run(services.start_conversation(bob, gpt), "Hi", [file.id])
    with pytest.raises(Http404):
        files.remove(bob, file.id)
    ConversationFile.objects.update(created="2020-01-01T00:00Z")
    assert not files.forgotten().exists()
    again = projects.add_file(project, "plan.txt", [b"Monday: maths."])
    assert again.id == file.id or projects.kept_files(project).count() == 1


def test_a_deleted_project_takes_its_files_and_leaves_its_chats(bob, gpt, project):
    read(projects.add_file(project, "plan.txt", [b"Monday: maths."]))
    chat = services.start_conversation(bob, gpt, project=project)
    ask(chat)
    projects.delete(project)
    chat.refresh_from_db()
    assert chat.project is None
    assert [file.name for file in chat.files.all()] == ["plan.txt"]
    assert log.first(ask(chat).id).background.project == ""


def test_a_fork_stays_in_the_project_with_copies_of_its_files(bob, gpt, project):
    read(projects.add_file(project, "plan.txt", [b"Monday: maths."]))
    chat = services.start_conversation(bob, gpt, project=project)
    run = ask(chat)
    copy = copies.fork(chat, run.id)
    first = log.first(Run.objects.get(message__conversation=copy).id)
    assert copy.project == project
    assert isinstance(first, UserMessage)
    assert files.access_file(bob, first.project_files[0].id).conversation == copy


def test_pages_make_change_and_fill_a_project(page, bob, gpt):
    page.post("/projects/", {"name": " Night  school "})
    own = Project.objects.get(owner=bob)
    where = f"/projects/{own.id}/"
    assert own.name == "Night school"
    page.post(f"{where}change", {"name": "Evening school", "wishes": "Be kind."})
    page.post(f"{where}files", {"file": SimpleUploadedFile("plan.txt", b"Monday: maths.")})
    shown = page.get(where).content.decode()
    assert all(words in shown for words in ("Evening school", "Be kind.", "plan.txt", "Waiting to be read"))
    read(own.files.get())
    answer = page.post(f"/g/{gpt.slug}/chat?project={own.id}", {"text": "Hi"})
    chat = Conversation.objects.get(project=own)
    assert answer.url.startswith(f"/c/{chat.id}/")
    assert b"Evening school" in page.get(f"/c/{chat.id}/").content
    page.post(f"/c/{chat.id}/move", {"project": ""})
    assert not own.conversations.exists()
    page.post(f"{where}change", {"action": "delete"})
    assert not Project.objects.exists()


@pytest.mark.parametrize(
    ("name", "wishes", "told"),
    [(" ", "", "Enter a name"), ("x" * 81, "", "81 of 80"), ("x", "y" * 4001, "4,001 of 4,000")],
)
def test_a_refused_change_is_explained_and_changes_nothing(page, project, name, wishes, told):
    answer = page.post(f"/projects/{project.id}/change", {"name": name, "wishes": wishes}, follow=True)
    assert told in answer.content.decode()
    project.refresh_from_db()
    assert project.name == "School"


def test_nobody_else_reaches_a_project_or_starts_chats_in_it(alice, gpt, project):
    client = Client()
    client.force_login(alice)
    for path in (
        f"/projects/{project.id}/",
        f"/g/{gpt.slug}/chat?project={project.id}",
        f"/api/projects/{project.id}",
    ):
        assert client.get(path).status_code == 404
    sent = {"text": "Hi", "project": str(project.id)}
    assert client.post(f"/api/gpts/{gpt.slug}/runs", sent, content_type="application/json").status_code == 404


def test_programs_start_move_and_find_chats_in_projects(page, gpt, project):
    sent = {"text": "Hi", "project": str(project.id)}
    run = page.post(f"/api/gpts/{gpt.slug}/runs", sent, content_type="application/json").json()
    where = f"/api/conversations/{run['conversation']}"
    assert page.get(where).json()["project"] == str(project.id)
    assert page.patch(where, {"project": ""}, content_type="application/json").json()["project"] is None
    moved = page.patch(where, {"project": str(project.id)}, content_type="application/json")
    assert moved.json()["project"] == str(project.id)
    assert page.patch(where, {"project": "x"}, content_type="application/json").status_code == 422
    assert (
        page.patch(f"/api/projects/{project.id}", {"wishes": ""}, content_type="application/json").json()["name"]
        == "School"
    )
    added = page.post(f"/api/projects/{project.id}/files", {"file": SimpleUploadedFile("a.txt", b"A")})
    assert [each["id"] for each in page.get(f"/api/projects/{project.id}/files").json()["items"]] == [
        added.json()["id"]
    ]
