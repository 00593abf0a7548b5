"""The marks that stand where a secret stood (crawl/redact.py writes them, lake/flatten.py reads them)."""

REDACTED = "[redacted]"
ENCRYPTED = "[encrypted]"
TOKEN = "[token]"
