"""What the facts mean, by question: rows folded from the journal, and the answers from them."""
