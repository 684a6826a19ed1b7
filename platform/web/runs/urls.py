"""Addresses of runs, used by the chat page."""

from django.urls import path

from web.runs import views

urlpatterns = [
    path("runs/<uuid:run_id>/events", views.events, name="run_events"),
    path("runs/<uuid:run_id>/cancel", views.cancel, name="run_cancel"),
    path("runs/<uuid:run_id>/approve", views.approve, name="run_approve"),
]
