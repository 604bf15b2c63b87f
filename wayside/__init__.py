"""THE FRONT DOOR: the command line, supervision, doctor; wires the rooms together."""
