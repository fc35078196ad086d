"""
Continues a text: POST {"prompt": "Q: What is a Pod?\\nA:", "max_tokens": 40} to /v1/completions. If
"model" names an adapter, that adapter continues it, otherwise the base.
"""
import json
import pathlib
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import jax
import jax.numpy as jnp
import numpy
import model

# The first process of a container does not hear SIGTERM otherwise.
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
read = lambda path: {name: jnp.array(value) for name, value in numpy.load(path).items()}
base = read("/content/model/weights.npz")
adapted = {
    path.parent.name: model.merge(base, read(path))
    for path in pathlib.Path("/content/adapters").glob("*/adapter.npz")
}


@jax.jit
def next_letter(weights, text, length):
    return jnp.argmax(model.predict(weights, text)[length - 1])


def complete(weights, prompt, count):
    text = list(prompt.encode("ascii", "replace"))
    for _ in range(count):
        seen = text[-model.window :]
        padded = numpy.array(seen + [0] * (model.window - len(seen)))
        text.append(int(next_letter(weights, padded, len(seen))))
    return bytes(text[-count:]).decode() if count else ""


class Handler(BaseHTTPRequestHandler):
    def answer(self, body):
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def do_GET(self):
        self.answer({"status": "ok"})

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        weights = adapted.get(asked.get("model"), base)
        text = complete(weights, asked["prompt"], asked.get("max_tokens", 40))
        self.answer({"choices": [{"text": text}]})


complete(base, "warm up", 1)
ThreadingHTTPServer(("", 8080), Handler).serve_forever()
