"""URLs of the store."""

from django.urls import path

from web.store import views

urlpatterns = [
    path("", views.store, name="store"),
    path("g/<slug:slug>/", views.gpt_page, name="gpt"),
]
