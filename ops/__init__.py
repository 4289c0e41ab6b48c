"""What operators run and look at: the command line, a local broker, the demonstration."""
