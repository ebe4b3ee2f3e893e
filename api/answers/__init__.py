"""The shape of public output: what every answer looks like.

The one rule: an answer has exactly these fields, always all of them; what is not known is null.
(Answers are not converted: projections already speak this way. Tests hold every answer against
these shapes.)
"""
