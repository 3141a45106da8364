"""From a job file to checked settings, and back."""
