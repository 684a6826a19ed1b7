"""URLs of the pages about emails."""

from django.urls import path

from web.notifications import views

urlpatterns = [
    path("account/notifications/", views.notifications, name="notifications"),
    path("notifications/stop/<str:token>/", views.stop, name="notifications_stop"),
]
