"""URLs of the chat."""

from django.urls import path

from web.chat import (
    frames,
    views,
    views_branches,
    views_projects,
    views_queue,
    views_runs,
    views_send,
    views_share,
    views_sign_in,
)

QUEUED = "c/<uuid:conversation_id>/queue/<uuid:queued_id>"
SOURCE = "c/turn/<uuid:run_id>/sources/<int:number>"

urlpatterns = [
    path("actions/<uuid:action_id>/sign-in", views_sign_in.start, name="action_sign_in"),
    path("actions/<uuid:action_id>/callback", views_sign_in.callback, name="action_callback"),
    path("actions/<uuid:action_id>/sign-out", views_sign_in.sign_out, name="action_sign_out"),
    path("chats/", views.chats, name="chats"),
    path("projects/", views_projects.list_projects, name="projects"),
    path("projects/<uuid:project_id>/", views_projects.project, name="project"),
    path("projects/<uuid:project_id>/change", views_projects.change_project, name="project_change"),
    path("projects/<uuid:project_id>/files", views_projects.add_file, name="project_file_add"),
    path("projects/<uuid:project_id>/files/<uuid:file_id>", views_projects.remove_file, name="project_file_remove"),
    path("c/<uuid:conversation_id>/move", views_projects.move, name="chat_move"),
    path("g/mentionable", views_send.mentionable_gpts, name="mentionable"),
    path("g/<slug:slug>/chat", views_send.new_chat, name="chat_new"),
    path("g/<slug:slug>/chat", views_send.new_chat, name="chat_start"),
    path("gpts/<slug:slug>/preview", views_send.start_preview, name="preview_start"),
    path("c/<uuid:conversation_id>/", views.chat, name="chat"),
    path("c/<uuid:conversation_id>/send", views_send.send, name="chat_send"),
    path("c/<uuid:conversation_id>/regenerate", views_send.regenerate, name="chat_regenerate"),
    path("c/<uuid:conversation_id>/messages/<uuid:message_id>", views_branches.edit, name="chat_edit"),
    path("c/<uuid:conversation_id>/show", views_branches.show, name="chat_show"),
    path("c/<uuid:conversation_id>/fork", views_branches.fork, name="chat_fork"),
    path(f"{QUEUED}/withdraw", views_queue.withdraw, name="chat_queue_withdraw"),
    path(f"{QUEUED}/now", views_queue.send_now, name="chat_queue_now"),
    path("c/<uuid:conversation_id>/share", views_share.share, name="chat_share"),
    path("c/<uuid:conversation_id>/share/<int:share_id>/revoke", views_share.revoke, name="chat_share_revoke"),
    path("c/<uuid:conversation_id>/export.<slug:form>", views_share.export, name="chat_export"),
    path("s/<slug:token>/", views_share.shared_chat, name="shared_chat"),
    path("s/<slug:token>/continue", views_share.continue_shared, name="shared_chat_continue"),
    path("c/<uuid:conversation_id>/dismiss", views_send.dismiss, name="chat_dismiss"),
    path("c/<uuid:conversation_id>/pin", views_send.mark, {"name": "pinned"}, name="chat_pin"),
    path("c/<uuid:conversation_id>/archive", views_send.mark, {"name": "archived"}, name="chat_archive"),
    path("c/<uuid:conversation_id>/rename", views_send.rename, name="chat_rename"),
    path("c/<uuid:conversation_id>/delete", views_send.delete, name="chat_delete"),
    path("c/turn/<uuid:run_id>", views_runs.turn, name="chat_turn"),
    path("c/turn/<uuid:run_id>/ask-creator", views_runs.ask_creator, name="chat_ask_creator"),
    path("c/turn/<uuid:run_id>/feedback", views_runs.give_feedback, name="chat_feedback"),
    path("c/turn/<uuid:run_id>/part", views_runs.part, name="chat_part"),
    path("runs/<uuid:run_id>/", views_runs.part_page, name="run_part"),
    path("runs/<uuid:run_id>/tree", views_runs.tree, name="run_tree"),
    path("runs/<uuid:run_id>/sources/<int:number>/", views_runs.run_source, name="run_source"),
    path("c/frames/artifact", frames.artifact, name="artifact_frame"),
    path("c/frames/diagram", frames.diagram, name="diagram_frame"),
    path(SOURCE, views_runs.source, name="chat_source"),
    path(f"{SOURCE}/pages/<int:page>", views_runs.source_page, name="chat_source_page"),
]
