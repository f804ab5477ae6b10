"""PLUMED plugin: collective variables for ion conductors, inputs, runs, and free energies."""
