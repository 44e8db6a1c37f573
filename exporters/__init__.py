"""Pure renderers: each turns a statement or a snapshot into one format, and writes nothing."""
