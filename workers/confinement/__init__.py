"""Two walls of the Linux kernel, seccomp and Landlock, that a process builds around itself and cannot take down."""
