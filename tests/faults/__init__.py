"""Tests of faults: the published rows equal those of an undisturbed run, or the run says by key what is missing."""
