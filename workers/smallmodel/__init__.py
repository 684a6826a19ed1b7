"""Everything that exists only for weak models; used where a model's ability requires it."""
