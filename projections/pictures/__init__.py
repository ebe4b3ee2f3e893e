"""Pictures of lineages, splits, paths and histories, drawn on the server as SVG.

The one rule: a picture is made from plain data alone; it runs no script and loads nothing.
"""
