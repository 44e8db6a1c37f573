"""The ledger: pure functions from facts and terms to a statement (contracts/accounting.md). No clock, no I/O, no async."""
