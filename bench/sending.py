"""A client in a process of its own: METHOD URL KEY FILE; prints seconds and the answer as JSON."""

import http.client
import json
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

if __name__ == "__main__":
    method, url, key, file = sys.argv[1:]
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=600)
    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Type": {".csv": "text/csv", ".json": "application/json"}[Path(file).suffix],
        "Content-Length": str(Path(file).stat().st_size),
    }
    started = time.perf_counter()
    with Path(file).open("rb") as body:
        connection.request(method, parts.path, body=body, headers=headers)
        answer = connection.getresponse()
        document = json.loads(answer.read())
    print(json.dumps({"seconds": time.perf_counter() - started, "answer": document}))
