"""Benchmarks of a run, compared with another program and with a bare loop of requests (`make bench`)."""
