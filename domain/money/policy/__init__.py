"""How an amount is divided: families of policies, which can be nested.

A policy is data with a version. Its exact parts depend only on the amount, the lineage and the
running totals of earlier divisions; ``domain.money.apportionment`` rounds once, at the end.
"""
