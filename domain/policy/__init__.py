"""How an amount is divided: fifteen families of policies, which compose.

The one rule: a policy is data with a version, and a pure function from an exact amount to exact
parts; units are rounded once, at the people, by ``domain.apportionment``.
"""
