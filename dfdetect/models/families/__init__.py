"""The model families: every file here holds one."""
