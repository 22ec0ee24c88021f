"""An event that was, as load: what is left of its data once nobody's words, names or numbers are in it."""
