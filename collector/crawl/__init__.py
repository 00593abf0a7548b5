"""The crawl: what to ask next, how fast, what a reply means, and the one door to the network."""
