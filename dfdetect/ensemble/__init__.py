"""Combine finished runs into one."""
