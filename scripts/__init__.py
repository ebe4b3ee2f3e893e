"""Where everything meets: settings, composition, the ``stemma`` command line, benchmarks."""
