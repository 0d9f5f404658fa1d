"""Routes of the fleet, and the threads that its runs take."""
