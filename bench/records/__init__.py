"""A case, the results of a case, their record, and their files."""
