"""A small lake of every released format, kept as it was written; and how each was made."""
