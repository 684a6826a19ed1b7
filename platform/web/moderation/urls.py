"""URLs to report something, and of what was decided about one's own."""

from django.urls import path

from web.moderation import views

urlpatterns = [
    path("g/<slug:slug>/report", views.report_gpt, name="gpt_report"),
    path("s/<slug:token>/report", views.report_chat, name="chat_report"),
    path("reviews/<uuid:review_id>/report", views.report_review, name="review_report"),
    path("decisions/<str:token>/", views.suspended, name="suspended"),
    path("account/decisions/", views.decisions, name="decisions"),
    path("account/decisions/<uuid:decision_id>/appeal", views.appeal, name="decision_appeal"),
]
