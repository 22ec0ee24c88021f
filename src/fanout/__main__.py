"""`python -m fanout` is the `fanout` command."""

import sys

from fanout.cli import main

if __name__ == "__main__":
    sys.exit(main())
