"""A trained classifier leaves the project: as a graph, with all that a user of it needs."""
