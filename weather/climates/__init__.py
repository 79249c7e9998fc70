"""The shipped climates, and the scripts that make them from real data."""
