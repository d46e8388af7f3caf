"""The properties that faces are sliced by, one file each; a new file is found automatically."""
