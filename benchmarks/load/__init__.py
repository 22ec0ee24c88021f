"""The load: a client process that holds thousands of listeners and checks every one, and the publishers that feed
it."""
