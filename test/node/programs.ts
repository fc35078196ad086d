import { base } from './node.ts'

/** Repositories of a small story: numbers y = 3x + 2, a line that is fitted to them, and its server. */

export const dataset = {
  Dockerfile: `FROM ${base}/python:3
COPY load.py /load.py
CMD ["python3", "/load.py"]
`,
  'load.py': `import json, os
rows = int(os.environ.get("PARAM_ROWS", "50"))
with open("/content/artifacts/data.csv", "w") as file:
    for i in range(rows):
        x = i / rows
        file.write(f"{x},{3 * x + 2}\\n")
print(rows, "rows")
`,
}

/** Fits slope and intercept by gradient descent from where the base is. */
export const trainer = {
  Dockerfile: `FROM ${base}/python:3
COPY train.py serve.py /
COPY serve.sh /usr/local/bin/serve.sh
CMD ["python3", "/train.py"]
`,
  'train.py': `import json
params = json.load(open("/content/params.json"))
w = json.load(open("/content/model/weights.json"))
rows = [tuple(map(float, line.split(","))) for line in open("/content/data/data.csv")]
losses = []
for epoch in range(params["epochs"]):
    errors = [(w["slope"] * x + w["intercept"] - y, x) for x, y in rows]
    losses.append(sum(e * e for e, _ in errors) / len(rows))
    w["slope"] -= params["rate"] * 2 * sum(e * x for e, x in errors) / len(rows)
    w["intercept"] -= params["rate"] * 2 * sum(e for e, _ in errors) / len(rows)
print("loss", losses[0], "->", losses[-1])
json.dump(w, open("/content/artifacts/weights.json", "w"))
json.dump({"first": losses[0], "last": losses[-1]}, open("/content/artifacts/loss.json", "w"))
`,
  'serve.sh': `#!/bin/sh
exec python3 /serve.py
`,
  'serve.py': `import json, signal, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
# As the first process of a container it would not hear SIGTERM otherwise.
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
w = json.load(open("/content/model/weights.json"))
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        x = float(self.path.partition("x=")[2] or 0)
        self.wfile.write(json.dumps({"y": w["slope"] * x + w["intercept"]}).encode())
    def log_message(self, *args):
        pass
ThreadingHTTPServer(("", 8080), Handler).serve_forever()
`,
}

export const baseWeights = JSON.stringify({ slope: 0, intercept: 0 })
