"""The commands of ``stemma``, in rooms: each module holds those that are about one thing.

The one rule: a command only reads its words and prints; what it does is done elsewhere.

Every room puts its commands into a group of its own, ``commands``, and ``scripts/stemma.py``
brings the rooms together. What takes long to import is imported by the command that needs it.
"""
