"""URLs of the A2A API: each GPT has its Agent Cards below the URL at which it is called."""

from django.urls import path

from web.a2a import views

urlpatterns = [
    path("a2a/<slug:slug>/.well-known/agent-card.json", views.card, name="a2a_card"),
    path("a2a/<slug:slug>/.well-known/agent.json", views.old_card, name="a2a_old_card"),
    path("a2a/<slug:slug>", views.call, name="a2a"),
    path("a2a/<slug:slug>/", views.call, name="a2a_slash"),  # as clients call it that join their base URL and “/”
    path("a2a/<slug:slug>/<path:rest>", views.call, name="a2a_http"),
]
