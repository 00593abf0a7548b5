"""The fake Buddy, proved over real sockets."""
