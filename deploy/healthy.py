"""Exit status 0 if the process in this container lives: what its health check runs."""

import http.client
import os
import ssl
import sys

port = int(os.environ.get("CRYPITOR__SERVER__PORT", "8080"))
# To itself, by an address that no certificate names.
blind = ssl._create_unverified_context()  # noqa: S323, SLF001
tries = (
    http.client.HTTPConnection("127.0.0.1", port, timeout=2),
    http.client.HTTPSConnection("127.0.0.1", port, timeout=2, context=blind),
)
for connection in tries:
    try:
        connection.request("GET", "/healthz")
        sys.exit(connection.getresponse().status != 200)
    except (http.client.HTTPException, OSError) as error:
        trouble = error
sys.exit(f"{trouble}")
