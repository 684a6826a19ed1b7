"""The engine for models on CPUs: quantised weights, OpenVINO's kernels, and a batch of our own."""
