"""Where a command is carried out: in this process, or by a running service. Both give the same answers."""
