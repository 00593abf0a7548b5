"""The questions on another engine."""
