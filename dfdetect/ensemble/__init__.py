"""Combine finished runs into a new one."""
