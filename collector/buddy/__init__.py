"""What Buddy says: resources, addresses, pages, rate headers, typed views and decoding. Pure."""
