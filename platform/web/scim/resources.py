"""What SCIM shows of people and groups, and what it takes of what directories send.

There is less in a request than in a response: what the models of requests do not name is ignored, as directories send
telephone numbers, managers and the like unasked. So `emails`, which follow from the user name, can be sent and change
nothing.
"""

from typing import Annotated, Any, Final, cast

from django.conf import settings
from pydantic import Field
from scim2_models import (
    URN,
    AuthenticationScheme,
    Bulk,
    ChangePassword,
    ComplexAttribute,
    ETag,
    Filter,
    Meta,
    Mutability,
    Patch,
    Reference,
    Required,
    Resource,
    ResourceType,
    ScimPolicy,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
    Uniqueness,
)

DEFAULT_COUNT: Final = 100
MOST_COUNT: Final = 200
READ_ONLY: Final = Mutability.read_only
# Entra names members to remove in a value, and sets parts of values that are not there yet; RFC 7644 forbids both.
POLICY: Final = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)


class PersonName(ComplexAttribute):
    """The parts of a name."""

    given_name: str | None = None
    family_name: str | None = None


class SentPerson(Resource[Any]):
    """A person, as a directory may describe them. The user name is the email address with which they sign in."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:User")

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    name: PersonName | None = None
    display_name: str | None = None
    active: bool | None = None


class Address(ComplexAttribute):
    """An email address."""

    value: Annotated[str | None, READ_ONLY] = None
    primary: Annotated[bool | None, READ_ONLY] = None


class Membership(ComplexAttribute):
    """A group that a person is in."""

    value: Annotated[str | None, READ_ONLY] = None
    ref: Annotated[Reference["Group"] | None, READ_ONLY] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    display: Annotated[str | None, READ_ONLY] = None


class User(SentPerson):
    """A person, as shown."""

    active: Annotated[bool | None, Required.true] = None
    emails: Annotated[list[Address] | None, READ_ONLY] = None
    groups: Annotated[list[Membership] | None, READ_ONLY] = None


class Member(ComplexAttribute):
    """A person in a group."""

    value: Annotated[str | None, Mutability.immutable] = None
    ref: Annotated[Reference["User"] | None, Mutability.immutable] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User"])


class Group(Resource[Any]):
    """A group of people."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:Group")

    display_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    members: list[Member] | None = None


CONFIG: Final = ServiceProviderConfig(
    documentation_uri=Reference(f"{settings.SITE_URL}/docs/sign-in/"),
    patch=Patch(supported=True),
    bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
    filter=Filter(supported=True, max_results=MOST_COUNT),
    change_password=ChangePassword(supported=False),
    sort=Sort(supported=False),
    etag=ETag(supported=False),
    authentication_schemes=[
        AuthenticationScheme(
            type=AuthenticationScheme.Type.oauthbearertoken,
            name="SCIM token",
            description="A token that an admin of the site made, as “Authorization: Bearer …”.",
            primary=True,
        )
    ],
    meta=Meta(resource_type="ServiceProviderConfig"),
)
PROVIDER: Final = ScimProvider(
    models=[User, Group],
    resource_types=[ResourceType.from_resource(model) for model in (User, Group)],
    config=CONFIG,
    policy=POLICY,
)


def location(kind: str, key: object) -> str:
    """The address of a resource, such as “Users” 3."""
    return f"{settings.SITE_URL}/scim/v2/{kind}/{key}"


def reference(kind: str, key: object) -> Any:
    """The same as the value of a `$ref`."""
    return cast(Any, Reference)(location(kind, key))
