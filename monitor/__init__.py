"""minutebook keeps the book of a promised uptime."""
