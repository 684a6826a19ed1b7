"""Addresses of runs, used by the chat page."""

from django.urls import path

from web.runs import views, views_sources

urlpatterns = [
    path("runs/<uuid:run_id>/events", views.events, name="run_events"),
    path("runs/<uuid:run_id>/cancel", views.cancel, name="run_cancel"),
    path("runs/<uuid:run_id>/approve", views.approve, name="run_approve"),
    path(
        "runs/<uuid:run_id>/citations/<int:number>/pages/<int:page>.webp",
        views_sources.citation_picture,
        name="citation_picture",
    ),
    path("runs/<uuid:run_id>/citations/<int:number>/file", views_sources.citation_file, name="citation_file"),
]
