"""The engine: rooms on trio, without a socket. Publishing, listening, history; the ports it needs are in `ports`."""
