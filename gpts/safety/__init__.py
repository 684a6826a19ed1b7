"""Safety as pure functions: what text may hide, what it may steer, and what may come of it."""
