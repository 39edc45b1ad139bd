"""Where runs, cached outputs and artifacts are kept. Import the store you need: this package imports none."""
