"""Engines by name, each called in one way, so that any run can be kept, repeated and compared."""
