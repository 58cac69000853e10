"""Questions to the lake and to a release: one filter tree, turned into SQL here alone."""
