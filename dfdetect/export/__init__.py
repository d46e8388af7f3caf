"""Write a run's model for other programs."""
