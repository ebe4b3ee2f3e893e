"""What puts everything together and runs it: settings, server, command line, audits, benchmarks."""
