"""The server: one process that holds an engine, an edge and the ordinary HTTP, from its settings to its last breath."""
