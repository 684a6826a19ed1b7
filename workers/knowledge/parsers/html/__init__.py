"""HTML: pages as browsers show them."""
