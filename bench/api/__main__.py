"""`python -m kinobench`: the same as the command `kinobench`."""

from .bench.cli import main

if __name__ == "__main__":
    main()
