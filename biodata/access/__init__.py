"""What uses both the rules and the registry: citations, what they hold, and how they are asked again."""
