"""Benchmarks: ratios against named rivals in the same run. `make bench` runs them all."""
