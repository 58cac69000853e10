"""How sure corridors are: the same run under many draws of what is not known."""
