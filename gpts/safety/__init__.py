"""Safety as pure functions: hidden text, text addressed to models, information flow labels, and the call policy."""
