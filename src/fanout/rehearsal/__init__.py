"""The evening before the evening: a scenario's traffic is played against a real server, and judged.

`scenario`, `schedule`, `measures`, `verdict` and `report` decide without I/O. The load runs in processes of its own
(`load`); `house` is what it is played against; `direction` puts it together.
"""
