"""URLs of the operator's pages."""

from django.urls import path, re_path

from web.operate import views, views_store
from web.operate.changes import ACTIONS
from web.operate.site import discover

urlpatterns = [
    path("admin/", discover().urls),
    path("operate/model/", views.model, name="operate_model"),
    path("operate/categories/", views_store.edit_categories, name="operate_categories"),
    path("operate/models/", views.models, name="operate_models"),
    re_path(rf"^operate/models/(?P<action>{'|'.join(ACTIONS)}|dismiss)/$", views.change_models, name="change_models"),
]
