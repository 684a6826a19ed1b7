"""What a message asks for, and the replies of a model that cannot write any."""
