"""Side-by-side benchmarks of tierbus and its peers: the same work, on one broker, in one run."""
