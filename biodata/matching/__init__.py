"""Scientific names against checklists: exact, canonical, then fuzzy; common names; what a new version changes."""
