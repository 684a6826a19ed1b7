"""All that exists only because a model is too weak: entered where its ability says so, from nowhere else."""
