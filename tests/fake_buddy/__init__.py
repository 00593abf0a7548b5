"""Tests of the fake Buddy, over real sockets."""
