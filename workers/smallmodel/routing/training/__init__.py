"""Training of the router's head: hand-written examples, cases made of them, and a few minutes of torch."""
