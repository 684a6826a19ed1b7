"""A2A URLs: each GPT's Agent Card is below the URL at which the GPT is called."""

from django.urls import path

from web.a2a import views

urlpatterns = [
    path("a2a/<slug:slug>/.well-known/agent-card.json", views.card, name="a2a_card"),
    path("a2a/<slug:slug>", views.call, name="a2a"),
]
