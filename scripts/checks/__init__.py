"""The checks of an audit, by what they compute again."""
