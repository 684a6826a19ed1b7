"""URLs of the operator's pages."""

from django.urls import path, re_path

from web.operate import views
from web.operate.changes import ACTIONS

urlpatterns = [
    path("operate/model/", views.model, name="operate_model"),
    path("operate/models/", views.models, name="operate_models"),
    re_path(rf"^operate/models/(?P<action>{'|'.join(ACTIONS)}|dismiss)/$", views.change_models, name="change_models"),
]
