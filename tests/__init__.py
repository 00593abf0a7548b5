"""The tests mirror the package, name for name."""
