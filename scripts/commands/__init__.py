"""The commands of ``stemma``: each module holds those about one subject.

The one rule: a command only parses its arguments and prints; the work is done elsewhere.

Every module has its commands in a group, ``commands``, and ``scripts/stemma.py`` brings them
together. Slow imports are inside the command that needs them.
"""
