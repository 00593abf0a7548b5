"""Benchmarks: what a night costs, beside what a user would pick instead and beside the physical limit (`make bench`)."""
