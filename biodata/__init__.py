"""biodata."""
