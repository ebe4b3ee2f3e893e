"""Where everything is put together: settings, the ``stemma`` command line, benchmarks."""
