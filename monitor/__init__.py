"""minutebook keeps the book of a promised uptime."""

__version__ = "0.1.0"
