"""The documents say what the program does, and what they tell to do works."""
