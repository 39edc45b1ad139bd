"""`python -m postlude` is the `postlude` command."""

from postlude.cli.main import main

if __name__ == "__main__":
    main()
