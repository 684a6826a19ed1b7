"""URLs of runs, files of conversations, permissions and usage."""

from django.urls import path

from web.runs import views, views_files, views_memory, views_questions

CITATION = "runs/<uuid:run_id>/citations/<int:number>"

urlpatterns = [
    path("runs/<uuid:run_id>/events", views.events, name="run_events"),
    path("runs/<uuid:run_id>/cancel", views.cancel, name="run_cancel"),
    path("runs/<uuid:run_id>/approve", views.approve, name="run_approve"),
    path("files/attach", views_files.attach_file, name="attach"),
    path("files/<uuid:file_id>", views_files.run_file, name="run_file"),
    path("files/<uuid:file_id>/status", views_files.file_status, name="file_status"),
    path("files/<uuid:file_id>/remove", views_files.remove_file, name="file_remove"),
    path("gpts/<slug:slug>/use/", views.usage, name="gpt_use"),
    path("gpts/<slug:slug>/questions/", views_questions.questions, name="gpt_questions"),
    path("gpts/<slug:slug>/questions/<uuid:question_id>", views_questions.answer_question, name="gpt_question"),
    path("account/usage/", views.own_usage, name="account_usage"),
    path("memory/", views_memory.list_memories, name="memories"),
    path("memory/<slug:slug>/add", views_memory.add_memory, name="memory_add"),
    path("memory/<uuid:memory_id>/change", views_memory.change_memory, name="memory_change"),
    path("permissions/", views.list_permissions, name="permissions"),
    path("permissions/<int:permission_id>/revoke", views.revoke_permission, name="permission_revoke"),
    path(f"{CITATION}/pages/<int:page>.webp", views_files.citation_picture, name="citation_picture"),
    path(f"{CITATION}/file", views_files.citation_file, name="citation_file"),
]
