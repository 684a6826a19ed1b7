"""URLs of the A2A API: each GPT has its Agent Cards below the URL at which it is called."""

from django.urls import path

from web.deferred_views import deferred

_CALL = deferred("web.a2a.views.call", is_async=True, csrf_exempt=True)

urlpatterns = [
    path("a2a/<slug:slug>/.well-known/agent-card.json", deferred("web.a2a.views.card"), name="a2a_card"),
    path("a2a/<slug:slug>/.well-known/agent.json", deferred("web.a2a.views.old_card"), name="a2a_old_card"),
    path("a2a/<slug:slug>", _CALL, name="a2a"),
    path("a2a/<slug:slug>/", _CALL, name="a2a_slash"),  # as clients call it that join their base URL and “/”
    path("a2a/<slug:slug>/<path:rest>", _CALL, name="a2a_http"),
]
