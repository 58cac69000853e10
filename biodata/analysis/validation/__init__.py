"""Whether held-out records stand where corridors say, measured against chance."""
