"""The kinds of disturbance, one file each; a new file is found automatically."""
