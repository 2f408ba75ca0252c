"""Benchmarks: each in a process of its own, on a data folder of its own, figures as JSON."""
