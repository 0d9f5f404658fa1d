"""An organization's hierarchy: its levels, its entities, every version of them, and the CSV form of all of it."""
