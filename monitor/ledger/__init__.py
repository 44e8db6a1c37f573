"""Pure functions from facts and terms to a statement (contracts/accounting.md): no clock, no I/O, no async."""
