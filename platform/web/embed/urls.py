"""URLs of widgets: the script that other sites load, and the chat. `middleware.Mount` moves them below the widget."""

from django.urls import path

from web.embed import views

urlpatterns = [
    path("embed/<str:key>.js", views.loader, name="embed_loader"),
    path("visit/", views.visit, name="visit"),
    path("visit/start", views.start, name="visit_start"),
    path("visit/identify", views.identify, name="visit_identify"),
    path("visit/colours.css", views.colours, name="visit_colours"),
]
