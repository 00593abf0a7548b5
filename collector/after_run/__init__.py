"""What is done after a run, published or not. Nothing in here can fail a run."""
