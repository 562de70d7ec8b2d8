"""`python -m evreplay`: the command."""

import sys

from .command import main

sys.exit(main())
