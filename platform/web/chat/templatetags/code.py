"""Code in templates."""

from django import template

from web.chat import code

register = template.Library()
register.filter("coloured", code.coloured)
