"""The marks that stand where a secret stood (crawl/redact.py writes them, lake/flatten.py reads them), and the beginning of
those where no character was (buddy/characters.py writes them, buddy/decode.py finds them)."""

REDACTED = "[redacted]"
ENCRYPTED = "[encrypted]"
TOKEN = "[token]"
NO_CHARACTER = "[no character: U+"
