"""Puts tests/support and tests/clients/python on the module path; the harness does the rest."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import harness  # noqa: E402,F401
