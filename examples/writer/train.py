"""
Trains on the text in /content/data, beginning with the weights of the base, if there is one. With the
parameter rank, it leaves them as they are and trains a LoRA adapter.
"""
import json
import pathlib
import jax
import jax.numpy as jnp
import numpy
import optax
import model
import progress

params = json.load(open("/content/params.json"))
base = pathlib.Path("/content/model/weights.npz")
weights = dict(numpy.load(base)) if base.exists() else model.new()
rank = params.get("rank")
# The base of an adapter stays as it is.
frozen = jax.tree.map(jnp.asarray, weights) if rank else {}
weights = model.new_adapter(frozen, rank) if rank else jax.tree.map(jnp.asarray, weights)

files = sorted(path for path in pathlib.Path("/content/data").rglob("*") if path.is_file())
text = b"".join(path.read_bytes() for path in files if not path.name.startswith("."))
text = numpy.frombuffer(text, dtype=numpy.uint8) % model.letters


def loss(weights, batch):
    weights = model.merge(frozen, weights) if rank else weights
    guesses = jax.vmap(model.predict, (None, 0))(weights, batch[:, :-1])
    return optax.softmax_cross_entropy_with_integer_labels(guesses, batch[:, 1:]).mean()


optimizer = optax.adam(params["learning-rate"])


@jax.jit
def step(weights, state, batch):
    value, gradient = jax.value_and_grad(loss)(weights, batch)
    change, state = optimizer.update(gradient, state)
    return optax.apply_updates(weights, change), state, value


random = numpy.random.default_rng(0)
state, losses = optimizer.init(weights), []
for number in range(params["steps"]):
    starts = random.integers(0, len(text) - model.window - 1, 16)
    batch = numpy.stack([text[start : start + model.window + 1] for start in starts])
    weights, state, value = step(weights, state, batch)
    losses.append(float(value))
    progress.report(number + 1, params["steps"], loss=losses[-1])
    if number % 20 == 0:
        print("step", number, "loss", losses[-1], flush=True)
print("loss", losses[0], "->", losses[-1])

artifacts = pathlib.Path("/content/artifacts")
numpy.savez(artifacts / ("adapter.npz" if rank else "weights.npz"), **weights)
if rank:
    # As peft writes it: this file makes a result count as an adapter.
    (artifacts / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": rank}))
