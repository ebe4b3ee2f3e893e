"""The commands about people, works and credits."""
