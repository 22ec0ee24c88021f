"""Many simulated listeners in one process: what rehearsals, the live demo and load tests fill a hall with.

`opening`, `reading`, `listener` and `tally` do no I/O, so that the epoll loop here and locust's gevent users share
them. Nothing in this package uses trio: a crowd is a measuring instrument, and locust's process can't run it.
"""
