"""What is protected and what is missing: coverage of land, of species and habitats, in each country and jointly."""
