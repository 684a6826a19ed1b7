"""The operator's console at /admin/: Django's admin in Unfold's frame.

To add a list, write a module `admin_<subject>.py` beside this one, with a class for a model:

    @admin.register(Thing, site=operators)
    class ThingAdmin(OperatorAdmin):
        section, icon, act = "Store", "flag", Act.THING_CHANGED

and for a page that is no list:

    @operators.page("usage/", "usage", "Usage", section="Site", icon="bar_chart")
    def usage(request: PersonRequest) -> HttpResponse:
        return operators.render(request, "operate/usage.html", {...})

Both are in the navigation by that; `section` is one of SECTIONS, `icon` a name of Material Symbols. What a list's
form adds, changes or deletes is recorded in the audit log as `act`. Whoever is no operator gets 404 for all of it.
These pages are in English only, as all operators' pages are; Django and Unfold translate their frame.

Rules for lists, which hold at 100,000 rows: name what rows show in `list_select_related` or `get_queryset`, order by
an index, and never count more than `CappedPaginator` does.

Content policy: Unfold's scripts (Alpine) evaluate the expressions in its own templates, so these pages allow
`unsafe-eval`, which no other page of the site does. Scripts still come from this site only and none is inline, and
what people wrote is only ever shown as escaped text.
"""

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, Final

from csp.constants import SELF, UNSAFE_EVAL
from django.conf import settings
from django.contrib.admin import SimpleListFilter
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.forms import Media
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from django.utils.text import capfirst
from django.views.decorators.http import require_http_methods, require_POST
from unfold.admin import ModelAdmin
from unfold.sites import UnfoldAdminSite
from unfold.views import ChangeList
from unfold.widgets import UnfoldAdminSelectMultipleWidget

from web.accounts import audit, live_settings
from web.accounts.models import User
from web.operate.access import may_open, operators_only, page_of

SECTIONS: Final = ("Overview", "People", "GPTs", "Site", "Records")
POLICY: Final = {"script-src": [SELF, UNSAFE_EVAL]}
# Pages of the site itself that belong to operators: the name of the URL, title, section, icon.
OTHERS: Final = (
    ("operate_models", "Models", "Site", "neurology"),
    ("operate_categories", "Categories", "GPTs", "category"),
)
# As in URLs of Django's admin that this site leaves to its own pages.
_UNUSED: Final = ("login", "logout", "password_change", "password_change_done", "view_on_site")
METHODS: Final = ["GET", "HEAD", "POST"]
View = Callable[..., HttpResponse]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the console that is no list. Without a `section` it is not in the navigation."""

    route: str
    name: str
    title: str
    view: View
    section: str = ""
    icon: str = ""


class OperatorSite(UnfoldAdminSite):
    """The console, for operators."""

    index_title = "Overview"
    index_template = "operate/overview.html"

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.pages: list[Page] = []

    def page(self, route: str, name: str, title: str, section: str = "", icon: str = "") -> Callable[[View], View]:
        """A decorator that makes a view the page `admin:<name>` at this route."""

        def add(view: View) -> View:
            self.pages.append(Page(route, name, title, view, section, icon))
            return view

        return add

    def render(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        """A page in the console's frame."""
        request.current_app = self.name
        return TemplateResponse(request, template, {**self.each_context(request), **context})

    def show_once(self, request: HttpRequest, title: str, secret: str, words: str, back: str) -> HttpResponse:
        """The response that has a new secret to copy; no later one has."""
        context = {"title": title, "secret": secret, "words": words, "back": back}
        return self.render(request, "operate/secret.html", context)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """What needs attention and the figures of the day; on a new site, what to do first. Moderators: reports."""
        if not person_of(request).is_staff:
            return redirect("admin:moderation_case_changelist")
        from web.operate import figures  # which imports what registers lists here

        steps = [] if live_settings.get("CHECKLIST_DONE") else figures.checklist(person_of(request))
        shown = {"steps": steps, "attention": figures.attention(), "today": figures.today()}
        shown["site_figures"] = figures.about_site()
        return super().index(request, {**shown, **(extra_context or {})})

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the person may open this page."""
        return may_open(request.user, page_of(request))

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        """The view, for operators only and with the content policy that it needs."""
        guarded = operators_only(require_http_methods(METHODS)(super().admin_view(view, cacheable)))

        def with_policy(request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
            response = guarded(request, *args, **kwargs)
            response._csp_update = POLICY  # type: ignore[attr-defined]
            return response

        return with_policy

    def get_urls(self) -> list[URLPattern]:
        """Lists, forms and pages, without those of Django's admin that the site has itself."""
        kept = [each for each in super().get_urls() if getattr(each, "name", None) not in _UNUSED]
        return [path(each.route, self.admin_view(each.view), name=each.name) for each in self.pages] + kept

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """What the frame shows. Colours come from a stylesheet, as the content policy forbids inline ones."""
        name = settings.SITE_NAME  # which operators can change
        return {**super().each_context(request), "colors": {}, "site_title": name, "site_header": name}

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        """The navigation, from what is registered and the person may open."""
        items = [item for *item, page in self._navigation if may_open(request.user, page)]
        here = request.path
        return [
            {
                "title": section if section != SECTIONS[0] else "",
                "items": [
                    {"title": title, "icon": icon, "link": link, "has_permission": True}
                    | {"active": here == link or (here.startswith(link) and link != self._home)}
                    for part, title, icon, link in items
                    if part == section
                ],
            }
            for section in dict.fromkeys(part for part, *_ in items)
        ]

    @cached_property
    def _home(self) -> str:
        return reverse(f"{self.name}:index")

    @cached_property
    def _navigation(self) -> list[tuple[str, str, str, str, str]]:
        """Section, title, icon, address and name of every entry, by section."""
        lists = [
            (each.section, capfirst(str(model._meta.verbose_name_plural)), each.icon, each.address, each.page)
            for model, each in sorted(self._registry.items(), key=lambda row: getattr(row[1], "place", 0))
            if isinstance(each, OperatorAdmin) and each.section
        ]
        pages = [
            (each.section, each.title, each.icon, reverse(f"{self.name}:{each.name}"), f"{self.name}:{each.name}")
            for each in self.pages
            if each.section
        ]
        others = [(section, title, icon, reverse(name), name) for name, title, section, icon in OTHERS]
        home = (SECTIONS[0], "Overview", "space_dashboard", self._home, "")  # of admins: others are sent on
        return sorted([home, *lists, *pages, *others], key=lambda entry: SECTIONS.index(entry[0]))


_FOR_SLUGS: Final = ("urlify.js", "prepopulate.js", "xregexp.min.js", "xregexp.js")


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Pages of a long list. It counts no further than MOST rows, which takes milliseconds in any table."""

    MOST: ClassVar = 5_000

    @cached_property
    def count(self) -> int:
        """How many rows there are, at most MOST: who looks for others searches or filters."""
        rows: Any = self.object_list
        return rows.order_by()[: self.MOST].count()


class _List(ChangeList):
    """A page of a list, whose title is what the navigation calls it, not “Select person to change”."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.title = capfirst(str(self.opts.verbose_name_plural))

    def get_results(self, request: HttpRequest) -> None:
        """Say how many there are of all only of what is searched or filtered."""
        super().get_results(request)
        if not (self.query or self.has_active_filters):
            self.full_result_count = self.result_count


class StateFilter(SimpleListFilter):
    """Rows by their state. STATES has what holds in each."""

    title, parameter_name = "state", "state"
    STATES: ClassVar[dict[str, Q]] = {}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The choices."""
        return [(key, key.capitalize()) for key in self.STATES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The chosen ones."""
        return queryset.filter(self.STATES.get(self.value() or "", Q()))


class OperatorAdmin(ModelAdmin):
    """A list of the console. Operators see and change its rows, and add and delete some where a class says so."""

    section: ClassVar[str] = ""
    place: ClassVar[int] = 0  # among the lists of its section
    icon: ClassVar[str] = "list"
    act: ClassVar[audit.Act | None] = None
    rows_name: ClassVar[str] = ""  # below the list, if the model's plural is its title only
    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_disable_select_all = True
    list_max_show_all = 0
    compressed_fields = True
    warn_unsaved_form = True
    may_add, may_change, may_delete = False, True, False

    @property
    def media(self) -> Media:
        """Without the scripts that fill one field from another, which no form here does: 60 kB."""
        whole = super().media
        return Media(css=whole._css, js=[path for path in whole._js if not path.endswith(_FOR_SLUGS)])

    @property
    def page(self) -> str:
        """The name of the list's page."""
        return f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_changelist"

    @property
    def address(self) -> str:
        """The address of the list."""
        return reverse(self.page)

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ChangeList]:
        """Without “3 results (Show all)” over a list that shows all."""
        return _List

    def get_urls(self) -> list[URLPattern]:
        """The list and the form, with those to add and delete where rows can be, after a class's own."""
        kept = {"changelist", "change"} | ({"add"} if self.may_add else set())
        kept |= {"delete"} if self.may_delete else set()
        usual = [each for each in super().get_urls() if str(each.name).rpartition("_")[2] in kept]
        return [*self.own_urls(), *usual]

    def own_urls(self) -> list[URLPattern]:
        """Those that only this list has."""
        return []

    def posted(self, route: str, view: View, name: str) -> URLPattern:
        """One for what a form asks for."""
        return path(route, self.admin_site.admin_view(require_POST(view)), name=name)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """A plain list to choose from, which screen readers read; Unfold's search field has no label."""
        widget = UnfoldAdminSelectMultipleWidget(attrs={"size": 6})
        return super().formfield_for_manytomany(db_field, request, **{**options, "widget": widget})

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether it is in the navigation."""
        return True

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Always: the site is for operators only."""
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether rows can be added by hand."""
        return self.may_add

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether a row's form can be saved."""
        return self.may_change

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether rows can be deleted by hand."""
        return self.may_delete

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """In the audit log, not in the admin's own, which would keep names for good."""
        self._record(request, obj, "added")

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """As `log_addition`; without a change, nothing."""
        if message:
            self._record(request, obj, "changed")

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:
        """As `log_addition`."""
        for each in queryset:
            self._record(request, each, "deleted")

    def _record(self, request: HttpRequest, obj: Model, how: str) -> None:
        if self.act:
            audit.record(self.act, request.user, obj, how=how)


def person_of(request: HttpRequest) -> User:
    """The operator who sent the request, which `admin_view` has let through."""
    assert isinstance(request.user, User)
    return request.user


operators = OperatorSite()


def discover() -> OperatorSite:
    """The console, with everything that the modules `admin_*` beside this one register."""
    import web.operate

    for module in pkgutil.iter_modules(web.operate.__path__):
        if module.name.startswith("admin_"):
            import_module(f"web.operate.{module.name}")
    return operators
