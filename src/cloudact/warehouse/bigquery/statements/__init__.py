"""GoogleSQL that the driver sends, and the parameters in it."""
