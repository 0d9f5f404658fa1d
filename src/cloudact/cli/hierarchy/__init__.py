"""`cloudact hierarchy`: the departments, projects and teams of an organization, or its own levels."""
