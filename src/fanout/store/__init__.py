"""Where the desk's records are kept: in memory, and in SQLite."""
