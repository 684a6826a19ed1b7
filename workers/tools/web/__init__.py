"""Pages of the web, read as a person would: what searching and opening a page share."""
