"""`python -m zsrobust` is the `zsrobust` command."""

from zsrobust.cli.main import run

if __name__ == "__main__":
    run()
