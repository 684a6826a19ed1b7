"""URLs about accounts; allauth has those for sign-in and sign-up."""

from django.urls import include, path

from web.accounts import views, without_mail

urlpatterns = [
    path("enter/<str:secret>/", views.enter, name="enter"),
    path("account/", include(without_mail.patterns)),
    path("account/me/", views.account, name="account"),
    path("account/keys/", views.keys, name="account_keys"),
    path("account/keys/<int:key_id>/revoke", views.revoke, name="account_key_revoke"),
    path("account/programs/<int:grant_id>/disconnect", views.disconnect, name="account_disconnect"),
]
