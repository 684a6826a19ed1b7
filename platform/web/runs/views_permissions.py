"""The page where people see and revoke the permanent permissions of their GPTs."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from web.runs import permissions as services


@never_cache
@login_required
@require_safe
def permissions(request: HttpRequest) -> HttpResponse:
    """The person's permissions, newest first."""
    return render(request, "runs/permissions.html", {"permissions": services.permissions_of(request.user)})


@login_required
@require_POST
def revoke(request: HttpRequest, permission_id: int) -> HttpResponse:
    """Revoke one permission; from now on its GPT asks again."""
    services.revoke(request.user, permission_id)
    messages.success(request, "Permission revoked.")
    return redirect("permissions")
