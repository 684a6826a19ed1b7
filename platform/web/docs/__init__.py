"""The documentation pages: Markdown files in `pages`, rendered and searched."""
