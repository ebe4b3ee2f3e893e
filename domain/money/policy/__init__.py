"""How an amount is divided: families of policies, which compose.

A policy is data with a version. Its exact parts follow only from the amount, the lineage and what
went through it before; units are rounded once, at the end, by ``domain.money.apportionment``.
"""
