"""Text in; value, issues and confidence out."""
