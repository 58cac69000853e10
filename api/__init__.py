"""The HTTP service and its map."""
