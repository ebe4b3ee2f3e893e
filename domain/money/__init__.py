"""Money: pools, agreements about them, what came in, who was given how much, what was paid."""
