"""All organizations together: where they stand, and bringing those that need it in step, wave after wave."""
