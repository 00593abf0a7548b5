"""The command line: one file per command, and nothing heavy imported until a command needs it."""
