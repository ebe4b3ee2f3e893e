"""HTTP in, HTTP out: public input becomes facts, rows become public output."""
