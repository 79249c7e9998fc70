"""What a study may say: the schema, a file for each part of a project."""
