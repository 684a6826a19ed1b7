"""One page of the web by its address."""
