"""The model families: every file here is one."""
