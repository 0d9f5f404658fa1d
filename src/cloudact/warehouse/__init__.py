"""Where datasets live: one protocol, and one package per engine that implements it."""
