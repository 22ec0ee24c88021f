"""The pages in real browsers. A package, so that one browser is started for all of its modules, and ends with them."""
