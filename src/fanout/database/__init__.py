"""What every SQLite file of ours has in common: how it is opened, and the one thread that writes it in groups."""
