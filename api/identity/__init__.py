"""Authentication: keys, browser sessions and tokens of an outside issuer, each with its scope."""
