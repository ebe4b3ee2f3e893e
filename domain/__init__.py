"""Facts, the rules they follow, and the only way to record them."""
