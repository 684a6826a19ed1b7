"""Providers of single sign-on that operators connected in the console; `accounts/sign_in_providers.py` reads them."""

from typing import ClassVar

from django.db import models


class SignInProvider(models.Model):
    """A provider. `table` is what `sign-in.toml` would say of it, without the secret, which is `sealed`.

    Its name and address stay as they are: whom it signs in is remembered by the name, and at another address the
    same id would be somebody else.
    """

    class Kind(models.TextChoices):
        OIDC = "oidc", "OpenID Connect"
        SAML = "saml", "SAML"

    kind = models.CharField(max_length=4, choices=Kind, default=Kind.OIDC, editable=False)
    name = models.CharField(
        max_length=30, unique=True, help_text="In addresses: lower-case letters, digits and hyphens."
    )
    is_on = models.BooleanField("on", default=True, help_text="Off: no button, and nobody signs in with it.")
    table = models.JSONField(default=dict, editable=False)
    sealed = models.TextField(blank=True, editable=False)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name, verbose_name_plural = "provider", "single sign-on"

    def __str__(self) -> str:
        return str(self.table.get("title") or self.name)

    @property
    def bound_to(self) -> str:
        """What its secret is encrypted for."""
        return f"sign-in-provider:{self.name}:{self.table.get('server', '')}"
