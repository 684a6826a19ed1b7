"""The four capability tools as the router knows them by name alone."""

from typing import Any, Final

from workers.smallmodel.routing.candidates import Candidate


def _takes(name: str, description: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: {"type": "string", "description": description}},
        "required": [name],
    }


BUILTIN: Final[dict[str, Candidate]] = {
    each.name: each
    for each in (
        Candidate(
            "code_interpreter",
            "Run Python",
            "Runs Python code: arithmetic and exact calculations, statistics, dates, charts and plots, and work on "
            "attached tables, spreadsheets and other files.",
            _takes("code", "Python code"),
            ("What is 48 * 1203?", "Plot these numbers", "Average of column C in the attached spreadsheet"),
        ),
        Candidate(
            "web_search",
            "Search the web",
            "Searches the web for current information: news, prices, results, opening hours, things that changed "
            "recently.",
            _takes("query", "What to search for"),
            ("Search the web for this", "What is the latest news on this?", "Who won yesterday?"),
        ),
        Candidate(
            "open_page",
            "Open a page",
            "Opens a web page at a given address or a link and reads its text.",
            _takes("url", "Address of the page"),
            ("Open https://example.org", "Summarise this web page", "Read the first link"),
        ),
        Candidate(
            "make_image",
            "Make an image",
            "Draws or paints a new picture, illustration, photo or logo from a description, or a changed one.",
            _takes("prompt", "What the image shows"),
            ("Draw a cat", "Make me a logo", "An image of a mountain lake"),
        ),
    )
}
