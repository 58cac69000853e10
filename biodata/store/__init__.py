"""The registry, the lake, the releases and the one way to query them."""
