"""The addresses below /scim/v2/."""

from django.urls import path

from web.scim import views
from web.scim.views import endpoint

_ANY = dict.fromkeys(("GET", "POST", "PUT", "PATCH", "DELETE"), views.nowhere)

urlpatterns = [
    path("ServiceProviderConfig", endpoint(GET=views.config)),
    path("ResourceTypes", endpoint(GET=views.resource_types)),
    path("ResourceTypes/<key>", endpoint(GET=views.resource_type)),
    path("Schemas", endpoint(GET=views.schemas)),
    path("Schemas/<key>", endpoint(GET=views.schema)),
    path("Users", endpoint(GET=views.list_people, POST=views.create_person)),
    path(
        "Users/<key>",
        endpoint(
            GET=views.read_person, PUT=views.replace_person, PATCH=views.patch_person, DELETE=views.delete_person
        ),
    ),
    path("Groups", endpoint(GET=views.list_groups, POST=views.create_group)),
    path(
        "Groups/<key>",
        endpoint(GET=views.read_group, PUT=views.replace_group, PATCH=views.patch_group, DELETE=views.delete_group),
    ),
    path("<path:rest>", endpoint(**_ANY)),
]
