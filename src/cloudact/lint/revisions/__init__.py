"""What a change of the catalog does to datasets that were made from an earlier one."""
