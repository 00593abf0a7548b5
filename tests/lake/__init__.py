"""Laws of the lake, module by module."""
