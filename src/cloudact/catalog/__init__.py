"""What we want: datasets, tables, columns and views as declared in files, as frozen values."""
