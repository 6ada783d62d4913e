"""`python -m digitlab`: the command line."""

from digitlab.cli import main

if __name__ == "__main__":
    main()
