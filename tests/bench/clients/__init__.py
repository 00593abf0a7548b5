"""The programs that are measured, each a process of its own that crawls one Buddy and says one JSON line at its end."""
