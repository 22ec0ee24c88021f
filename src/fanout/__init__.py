"""fanout carries a live, moderated event: few writers, tens of thousands of listeners, nothing lost."""
