"""Which addresses requests of the site and its workers may go to, decided without asking a name server."""
