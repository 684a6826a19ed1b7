"""Addresses of the chat."""

from django.urls import path

from web.chat import views, views_mentions, views_parts, views_send, views_sign_in, views_sources

urlpatterns = [
    path("actions/<uuid:action_id>/sign-in", views_sign_in.start, name="action_sign_in"),
    path("actions/<uuid:action_id>/callback", views_sign_in.callback, name="action_callback"),
    path("actions/<uuid:action_id>/sign-out", views_sign_in.sign_out, name="action_sign_out"),
    path("chats/", views.chats, name="chats"),
    path("g/mentionable", views_mentions.mentionable_gpts, name="mentionable"),
    path("g/<slug:slug>/chat", views_send.new_chat, name="chat_new"),
    path("g/<slug:slug>/chat", views_send.new_chat, name="chat_start"),
    path("gpts/<slug:slug>/preview", views_send.start_preview, name="preview_start"),
    path("c/<uuid:conversation_id>/", views.chat, name="chat"),
    path("c/<uuid:conversation_id>/send", views_send.send, name="chat_send"),
    path("c/<uuid:conversation_id>/regenerate", views_send.regenerate, name="chat_regenerate"),
    path("c/<uuid:conversation_id>/dismiss", views_mentions.dismiss, name="chat_dismiss"),
    path("c/<uuid:conversation_id>/rename", views_send.rename, name="chat_rename"),
    path("c/<uuid:conversation_id>/delete", views_send.delete, name="chat_delete"),
    path("c/turn/<uuid:run_id>", views.turn, name="chat_turn"),
    path("c/turn/<uuid:run_id>/part", views_parts.part, name="chat_part"),
    path("runs/<uuid:run_id>/", views_parts.part_page, name="run_part"),
    path("runs/<uuid:run_id>/tree", views_parts.tree, name="run_tree"),
    path("c/turn/<uuid:run_id>/sources/<int:number>", views_sources.source, name="chat_source"),
    path(
        "c/turn/<uuid:run_id>/sources/<int:number>/pages/<int:page>",
        views_sources.source_page,
        name="chat_source_page",
    ),
]
