"""SMART patrols: wildlife observations and effort come in; law enforcement, people and tracks never do."""
