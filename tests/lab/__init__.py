"""What measures answers, search, choices and safety, and what trains the small model. Nothing of it is installed."""
