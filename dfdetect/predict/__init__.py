"""Judge photos, videos and folders."""
