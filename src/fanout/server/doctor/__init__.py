"""What `fanout doctor` looks at: facts are read in `machine` and `probes`, and judged by rules that open nothing."""
