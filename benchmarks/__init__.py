"""Times this engine beside `kfp.local`: `python -m benchmarks --help`."""
