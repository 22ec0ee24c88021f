"""Benchmarks: how fast fanout carries messages from one publisher to many listeners, beside its peers and the floor.

`python -m benchmarks` runs them; `README.md` beside this file says what each one asks and how to repeat it.
"""
