"""Labels of an organization: the operator's own, by which waves can go."""
