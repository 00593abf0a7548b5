"""A duration as people read it; settings/parsers.py reads what they write."""


def duration_text(seconds: float) -> str:
    """Return a duration for people, in its two largest units."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    days, rest = divmod(round(seconds), 86_400)
    parts = [(days, "d"), (rest // 3_600, "h"), (rest // 60 % 60, "min"), (rest % 60, "s")]
    first = next(i for i, (count, _) in enumerate(parts) if count)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2])
