"""Models: one file for each family, registered by name, all under one contract (see `registry`)."""
