"""The checks of an audit, one module for each part of the database.

The one rule is that of scripts.audit: believe nothing stored, and change nothing in use.
"""
