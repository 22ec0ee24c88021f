"""Where rooms' entries are numbered and kept: implementations of the port `fanout.engine.ports.Log`.

They know the port and `core`, never sockets or HTTP. Whatever is added here passes the suite
`fanout.testing.check_log`, which is how the one in memory can stand in for the durable one everywhere else.
"""
