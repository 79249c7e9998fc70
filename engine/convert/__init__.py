"""Weather -> available MW, PUE and demand MW."""
