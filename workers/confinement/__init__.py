"""Confining processes with seccomp and Landlock. A process confines itself and cannot undo it."""
