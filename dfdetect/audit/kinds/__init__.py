"""The kinds of leak, one file each; a new file is found automatically."""
