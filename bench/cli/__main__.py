"""`python -m kinobench.bench.cli`: the same as the command `kinobench`."""

from . import main

if __name__ == "__main__":
    main()
