"""A case, the results of a case, their record, and the files that hold them."""
