"""Around a night: what it will cost, what is told of it when it has ended, and what is tidied up after it.

Above the run, below the command line. Nothing in here can fail a night.
"""
