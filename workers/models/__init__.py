"""Which base models there are: a catalogue, what is on disk, what fits this machine, and downloads from a hub."""
