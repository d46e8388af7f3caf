"""The kinds of fake, one file each; a new file is found by itself."""
