"""The questions on another engine: the same SQL, translated for a server that speaks Spark Connect."""
