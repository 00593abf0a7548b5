"""The lake: table contracts, rows, staging, and the manifest by which a run becomes visible."""
