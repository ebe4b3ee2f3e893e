"""The checks of an audit, by what they compute again.

The rule is that of scripts.audit: nothing stored is believed, and nothing in use is changed.
"""
