"""Whole runs, from the first request to the published rows."""
