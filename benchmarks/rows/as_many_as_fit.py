"""Question: and 400,000 listeners on the same machine?

As in `past_the_limit`, with 22 workers and as many clients. It takes some 10 GiB, both ends together.

Rerun: python -m benchmarks as_many_as_fit --rounds 1
"""

from __future__ import annotations

from benchmarks.rows.past_the_limit import row

ROW = row("as_many_as_fit", "400,000 listeners on one machine", 400_000)
