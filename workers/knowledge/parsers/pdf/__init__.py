"""PDF: pages as their readers see them."""
