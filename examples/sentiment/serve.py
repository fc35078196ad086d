"""Says whether a text is friendly: the sum of what its words weigh."""
import csv
import json
import re
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

# The first process of a container does not hear SIGTERM otherwise.
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
rows = csv.DictReader(open("/content/model/words.csv"))
weights = {row["word"]: int(row["weight"]) for row in rows}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        text = parse_qs(urlparse(self.path).query).get("text", [""])[0]
        score = sum(weights.get(word, 0) for word in re.findall(r"\w+", text.lower()))
        sentiment = "positive" if score > 0 else "negative" if score < 0 else "neutral"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"sentiment": sentiment, "score": score}).encode())


ThreadingHTTPServer(("", 8080), Handler).serve_forever()
