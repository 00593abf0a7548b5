"""A real object store over sockets, and faults between it and its clients."""
