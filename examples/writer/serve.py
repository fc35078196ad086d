"""Continues a text: POST {"prompt": "Q: What is a Pod?\\nA:", "max_tokens": 40} to /v1/completions."""
import json
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import jax
import jax.numpy as jnp
import numpy
import model

# The first process of a container does not hear SIGTERM otherwise.
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
weights = {name: jnp.array(value) for name, value in numpy.load("/content/model/weights.npz").items()}


@jax.jit
def next_letter(text, length):
    return jnp.argmax(model.predict(weights, text)[length - 1])


def complete(prompt, count):
    text = list(prompt.encode("ascii", "replace"))
    for _ in range(count):
        seen = text[-model.window :]
        padded = numpy.array(seen + [0] * (model.window - len(seen)))
        text.append(int(next_letter(padded, len(seen))))
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
        self.answer({"choices": [{"text": complete(asked["prompt"], asked.get("max_tokens", 40))}]})


complete("warm up", 1)
ThreadingHTTPServer(("", 8080), Handler).serve_forever()
