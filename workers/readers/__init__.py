"""What reads uploads that the site itself has to understand: functions of bytes, run in a child process only.

They know neither the site nor the rest of the workers, so that the child starts soon. `workers/rpc/confined.py` names
them, with their limits.
"""
