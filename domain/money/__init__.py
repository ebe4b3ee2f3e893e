"""Money: pools, agreements about them, revenue, how it is divided, and what is paid out."""
