"""`python -m tingshuo` is the command `tingshuo`."""

from tingshuo.cli import app

if __name__ == "__main__":
    app(prog_name="tingshuo")
