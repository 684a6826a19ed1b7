"""Addresses about accounts; sign-in and sign-up are allauth's."""

from django.urls import path

from web.accounts import views

urlpatterns = [path("enter/<str:secret>/", views.enter, name="enter")]
