"""The risk of a project whose computing runs on its own wind and sun."""
