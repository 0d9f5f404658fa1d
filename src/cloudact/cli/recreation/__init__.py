"""`cloudact backup` and `cloudact recreate`."""
