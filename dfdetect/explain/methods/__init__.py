"""The methods of explanation, one file each; a new file is found automatically."""
