"""The commands about people, works and credits: a room for those that keep one rule."""
