"""What ships, a slim run folder each; and the command that makes such a folder from a run."""
