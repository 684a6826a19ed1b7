"""How many threads compute. Two that spin at barriers on two cores collapse as soon as anything else runs."""

import os

import torch


def set_compute_threads(wanted: int) -> int:
    """Sets torch's threads to `wanted`, or for 0 to all cores but one (at least one); gives what was set."""
    cores = len(os.sched_getaffinity(0))
    n_threads = wanted or max(1, cores - 1)
    torch.set_num_threads(n_threads)
    return n_threads
