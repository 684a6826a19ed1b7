"""URLs of the pages of schedules."""

from django.urls import path

from web.schedules import views

urlpatterns = [
    path("schedules/", views.schedules, name="schedules"),
    path("schedules/new", views.new, name="schedule_new"),
    path("schedules/<uuid:schedule_id>/", views.schedule, name="schedule"),
    path("schedules/<uuid:schedule_id>/pause", views.pause, name="schedule_pause"),
    path("schedules/<uuid:schedule_id>/resume", views.resume, name="schedule_resume"),
    path("schedules/<uuid:schedule_id>/run", views.run_now, name="schedule_run"),
    path("schedules/<uuid:schedule_id>/secret", views.new_secret, name="schedule_secret"),
    path("schedules/<uuid:schedule_id>/delete", views.delete, name="schedule_delete"),
]
