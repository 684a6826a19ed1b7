"""Web pages, fetched, read and ranked for the tools web_search and open_page."""
