"""URLs about accounts; allauth has those for sign-in and sign-up."""

from django.urls import include, path

from web import languages
from web.accounts import providers, views, without_mail

urlpatterns = [
    path("enter/<str:secret>/", views.enter, name="enter"),
    path("join/<str:secret>/", views.join, name="join"),
    path("language", languages.choose, name="language"),
    path("account/", include([*without_mail.patterns, *providers.patterns])),
    path("account/me/", views.account, name="account"),
    path("account/sessions/", views.sessions, name="usersessions_list"),  # before allauth's, which ends all or none
    path("account/close/", views.close, name="account_close"),
    path("account/hints/<slug:name>", views.dismiss_hint, name="dismiss_hint"),
    path("account/keys/", views.keys, name="account_keys"),
    path("account/keys/<int:key_id>/revoke", views.revoke, name="account_key_revoke"),
    path("account/programs/<int:grant_id>/disconnect", views.disconnect, name="account_disconnect"),
]
