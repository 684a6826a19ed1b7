"""How the router's head is trained: examples written for the purpose, cases made of them, a few minutes of torch."""
