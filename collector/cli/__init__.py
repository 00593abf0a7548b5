"""The command line: one file per group of commands, and nothing heavy imported until a command needs it."""
