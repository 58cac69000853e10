"""KoboToolbox exports: only what is mapped to a term comes in; every other answer may be about a person and stays out."""
