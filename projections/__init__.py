"""What the facts mean, cut by question: rows folded from the journal, and the answers from them."""
