"""URLs of the operator's pages."""

from django.urls import path, re_path

from web.operate import views, views_connected, views_store
from web.operate.changes import ACTIONS
from web.operate.site import discover

urlpatterns = [
    path("admin/", discover().urls),
    path("operate/model/", views.model, name="operate_model"),
    path("operate/categories/", views_store.edit_categories, name="operate_categories"),
    path("operate/models/", views.models, name="operate_models"),
    path("operate/models/connect/", views_connected.connected_model, name="connect_model"),
    path("operate/models/import/", views_connected.import_engines_file, name="import_engines_file"),
    path("operate/models/pick/", views_connected.pick_connected, name="pick_connected"),
    path("operate/models/connected/<name>/", views_connected.connected_model, name="connected_model"),
    path("operate/models/connected/<name>/abilities/", views.model, name="connected_abilities"),
    path("operate/models/connected/<name>/check/", views_connected.check_connected, name="check_connected"),
    path("operate/models/connected/<name>/remove/", views_connected.remove_connected, name="remove_connected"),
    re_path(rf"^operate/models/(?P<action>{'|'.join(ACTIONS)}|dismiss)/$", views.change_models, name="change_models"),
]
