"""URLs of the documentation."""

from django.urls import path

from web.docs import views

urlpatterns = [
    path("docs/", views.index, name="docs"),
    path("docs/<slug:name>/", views.page, name="docs_page"),
]
