"""Models: one file a family, registered by name, all under one contract (see `registry`)."""
