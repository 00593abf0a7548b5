"""One run, joined up: collect, resume, workers, reply processor, finalize, progress."""
