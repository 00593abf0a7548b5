"""The placeholders for secrets and for invalid characters, in texts of replies.

crawl/redaction.py writes those for secrets and lake/flatten.py reads them; unicode_repair.py writes those for invalid
characters, which begin with NO_CHARACTER, and decode.py finds them.
"""

REDACTED = "[redacted]"
ENCRYPTED = "[encrypted]"
TOKEN = "[token]"
NO_CHARACTER = "[no character: U+"
