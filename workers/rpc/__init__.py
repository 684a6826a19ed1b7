"""What a web request asks of a worker and waits for."""
