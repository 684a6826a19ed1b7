"""Capabilities and why some of them cannot work here, for the creator's form."""

from django import template

from gpts.spec.capabilities import CAPABILITIES, Capability
from web.runs.stream import missing_capabilities

register = template.Library()


@register.simple_tag
def capability_switches() -> list[tuple[str, Capability, str]]:
    """Each capability with its key, and why it cannot work here; the reason is empty where it can."""
    missing = missing_capabilities()
    return [(key, capability, missing.get(key, "")) for key, capability in CAPABILITIES.items()]


@register.simple_tag
def why_not_drawn() -> str:
    """Why no picture can be made here; empty where one can."""
    return missing_capabilities().get("image_generation", "")
