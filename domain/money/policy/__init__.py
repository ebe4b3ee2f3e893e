"""How an amount is divided: fifteen families of policies, which compose.

A policy is data with a version; its exact parts follow from the amount, the lineage and what went
through it before, alone; units are rounded once, at the people, by ``domain.money.apportionment``.
"""
