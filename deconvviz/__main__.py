"""`python -m deconvviz`: the command line."""

from deconvviz.cli import main

if __name__ == "__main__":
    main()
