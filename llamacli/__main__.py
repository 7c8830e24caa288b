"""`python -m llamacli` is the same program as `llamacli`."""

import sys

from llamacli.cli.main import main

sys.exit(main())
