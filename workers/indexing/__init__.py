"""Files into segments, their health, and what a question finds in them."""
