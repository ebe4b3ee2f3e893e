"""What the facts about money mean: rows and answers."""
