"""Money over HTTP: pools, proposals, payouts, statements and previews of a split."""
