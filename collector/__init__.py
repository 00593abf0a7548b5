"""Collects every promote-image action of Buddy, keeps every night, and answers questions about them."""

__version__ = "0.1.0"
