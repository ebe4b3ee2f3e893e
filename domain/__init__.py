"""What may happen: the facts of Stemma, the rules they keep, and the only way to write them."""
