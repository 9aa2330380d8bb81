"""Exit status 0 if the process in this container lives: what its health check runs."""

import os
import sys
import urllib.error
import urllib.request

port = os.environ.get("CRYPITOR__SERVER__PORT", "8080")
try:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=4) as answer:
        sys.exit(answer.status != 200)
except (urllib.error.URLError, OSError) as error:
    sys.exit(f"{error}")
