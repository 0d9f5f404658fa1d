"""What the service counts about itself, and the limits it keeps to."""
