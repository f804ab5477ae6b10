"""Sites of ions in a solid: shells and their vertices, densities, and which ion is on which site in which frame."""
