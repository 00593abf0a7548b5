"""Whole nights, from the first request to the published rows."""
