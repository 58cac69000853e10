"""Connectivity of patches and links, and of protected areas."""
