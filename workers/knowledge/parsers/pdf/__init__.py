"""PDF: pages as readers see them."""
