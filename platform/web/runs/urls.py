"""Addresses of runs, used by the chat page."""

from django.urls import path

from web.runs import views, views_files, views_permissions, views_sources, views_usage

urlpatterns = [
    path("runs/<uuid:run_id>/events", views.events, name="run_events"),
    path("runs/<uuid:run_id>/cancel", views.cancel, name="run_cancel"),
    path("runs/<uuid:run_id>/approve", views.approve, name="run_approve"),
    path("files/attach", views_files.attach_file, name="attach"),
    path("files/<uuid:file_id>", views_files.run_file, name="run_file"),
    path("gpts/<slug:slug>/use/", views_usage.usage, name="gpt_use"),
    path("permissions/", views_permissions.permissions, name="permissions"),
    path("permissions/<int:permission_id>/revoke", views_permissions.revoke, name="permission_revoke"),
    path(
        "runs/<uuid:run_id>/citations/<int:number>/pages/<int:page>.webp",
        views_sources.citation_picture,
        name="citation_picture",
    ),
    path("runs/<uuid:run_id>/citations/<int:number>/file", views_sources.citation_file, name="citation_file"),
]
