"""Who is asking: keys, sessions and the tokens of others, and what each lets its holder do."""
