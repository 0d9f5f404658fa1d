"""`/api/v1/organizations/{org_slug}/hierarchy`: entities, trees, levels, and the hierarchy as a CSV file."""
