"""Publishes GPTs of tests that have nothing but a name, which the store refuses."""

from web.builder import services
from web.builder.models import Gpt, GptVersion
from web.builder.models_access import Sharing


def publish(gpt: Gpt, sharing: str | None = None) -> GptVersion:
    """The draft published, and shared as given or as before, even if it lacks what the store demands."""
    if (sharing or gpt.sharing) != Sharing.STORE:
        return services.publish(gpt, sharing, by=gpt.owner)
    version = services.publish(gpt, Sharing.ME, by=gpt.owner)
    services.set_sharing(gpt, Sharing.STORE, by=gpt.owner)
    return version


def let(gpt: Gpt, **switches: bool) -> GptVersion:
    """The GPT published with these of its SWITCHES."""
    return publish(services.update_gpt(gpt, switches, by=gpt.owner))
