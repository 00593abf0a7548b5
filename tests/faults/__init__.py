"""Trust: whatever happens, the published rows equal an undisturbed night's, or the run says by key what is missing."""
