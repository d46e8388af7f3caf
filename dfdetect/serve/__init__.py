"""The web page and the service: `python -m dfdetect.serve`."""
