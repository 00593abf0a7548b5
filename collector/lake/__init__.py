"""The lake: table contracts, rows, staging, and the manifest by which a night becomes visible."""
