"""The measured programs; each is a process that crawls one Buddy and prints one line of JSON at its end."""
