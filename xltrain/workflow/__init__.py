"""One module per verb: what the command line and Python both call."""
