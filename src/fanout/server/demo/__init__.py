"""The demo: an evening that plays by itself, in one process with a server, before a simulated audience in another."""
