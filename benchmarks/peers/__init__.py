"""The peers: other servers that do the same job, each a small idiomatic program, and the adapters that run them."""
