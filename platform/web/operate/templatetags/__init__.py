"""Template tags about the site's model."""
