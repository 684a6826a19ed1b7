"""URLs for sign-in with accounts of elsewhere, which come before allauth's own."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from allauth.socialaccount.providers.openid_connect.views import login as oidc_login
from allauth.socialaccount.providers.saml.utils import (
    build_saml_config,
    get_app_or_404,
)
from allauth.socialaccount.providers.saml.views import acs as allauth_saml_acs
from allauth.socialaccount.providers.saml.views import login as allauth_saml_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from onelogin.saml2.settings import OneLogin_Saml2_Settings

from web.accounts.sign_in_providers import has_metadata

# What an identity provider sends is some kilobytes, with hundreds of groups some tens.
MAX_ANSWER_BYTES: Final = 256_000


def onward(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """`view`, whose redirect to a provider becomes a page that goes there at once.

    The site's policy lets forms lead to the site only, and browsers hold the redirects that follow to it: also those
    of the provider, to places that nobody here knows.
    """

    @wraps(view)
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        if not isinstance(response, HttpResponseRedirect) or response.url.startswith("/"):
            return response
        return render(request, "socialaccount/onward.html", {"url": response.url})

    return page


def saml_login(request: HttpRequest, organization_slug: str) -> HttpResponse:
    """Go to the identity provider, whose metadata is read first if that was hours ago."""
    idp = get_app_or_404(request, organization_slug).settings["idp"]
    if "metadata_url" in idp and not has_metadata(idp):
        return render(request, "socialaccount/authentication_error.html", status=503)
    return allauth_saml_login(request, organization_slug=organization_slug)


def saml_metadata(request: HttpRequest, organization_slug: str) -> HttpResponse:
    """What an identity provider must know of this site: allauth's, without the logout that it could start."""
    provider = get_app_or_404(request, organization_slug).get_provider(request)
    unasked = {"entity_id": "unasked", "x509cert": "", "sso_url": ""}  # what the provider says of itself is not in it
    config = build_saml_config(request, provider.app.settings | {"idp": unasked}, organization_slug)
    del config["sp"]["singleLogoutService"]
    metadata = OneLogin_Saml2_Settings(settings=config, sp_validation_only=True).get_sp_metadata()
    return HttpResponse(metadata, content_type="application/samlmetadata+xml")


@csrf_exempt
@require_POST
def saml_acs(request: HttpRequest, organization_slug: str) -> HttpResponse:
    """An identity provider's answer. allauth keeps it for the page that follows, whoever sent it and to whomever.

    So that nobody fills the database, and python3-saml, which is barely maintained, never parses what is no answer.
    """
    get_app_or_404(request, organization_slug)
    if len(request.body) > MAX_ANSWER_BYTES or "SAMLResponse" not in request.POST:
        return render(request, "socialaccount/authentication_error.html", status=400)
    return allauth_saml_acs(request, organization_slug=organization_slug)


def no_logout(request: HttpRequest, organization_slug: str) -> HttpResponse:
    """Nothing: requests to sign somebody out need no signature, so that any page could make them."""
    raise Http404


patterns = [
    path("oidc/<slug:provider_id>/login/", onward(oidc_login), name="openid_connect_login"),
    path("saml/<slug:organization_slug>/login/", onward(saml_login), name="saml_login"),
    path("saml/<slug:organization_slug>/acs/", saml_acs, name="saml_acs"),
    path("saml/<slug:organization_slug>/metadata/", saml_metadata, name="saml_metadata"),
    path("saml/<slug:organization_slug>/sls/", no_logout),
]
