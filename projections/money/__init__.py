"""What the money facts come to, as rows and as answers."""
