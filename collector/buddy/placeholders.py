"""The placeholders for secrets (crawl/redaction.py writes them, lake/flatten.py reads them), and the beginning of those for
invalid characters (unicode_repair.py writes them, decode.py finds them).
"""

REDACTED = "[redacted]"
ENCRYPTED = "[encrypted]"
TOKEN = "[token]"
NO_CHARACTER = "[no character: U+"
