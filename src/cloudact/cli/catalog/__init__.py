"""`cloudact catalog`: the declared schemas."""
