"""A small language model: from the last letters, a transformer predicts the next one."""
import jax
import jax.numpy as jnp

letters, window, width, heads, layers = 128, 64, 64, 4, 2


def new(seed=0):
    """Weights before any training."""
    keys = iter(jax.random.split(jax.random.key(seed), 3 + 4 * layers))
    matrix = lambda rows, columns: jax.random.normal(next(keys), (rows, columns)) / rows**0.5
    weights = {"letters": matrix(letters, width), "places": matrix(window, width)}
    for layer in range(layers):
        weights[f"{layer}.look"] = matrix(width, 3 * width)
        weights[f"{layer}.join"] = matrix(width, width)
        weights[f"{layer}.think"] = matrix(width, 4 * width)
        weights[f"{layer}.say"] = matrix(4 * width, width)
    weights["out"] = matrix(width, letters)
    return weights


def new_adapter(weights, rank, seed=1):
    """A LoRA adapter: two narrow matrices for each matrix. Their product is zero before any training."""
    adapter = {}
    for name, key in zip(weights, jax.random.split(jax.random.key(seed), len(weights))):
        rows, columns = weights[name].shape
        adapter[name + ".down"] = jax.random.normal(key, (rows, rank)) / rows**0.5
        adapter[name + ".up"] = jnp.zeros((rank, columns))
    return adapter


def merge(weights, adapter):
    """The weights of the base with those of an adapter."""
    change = lambda name: adapter[name + ".down"] @ adapter[name + ".up"]
    return {name: value + change(name) for name, value in weights.items()}


def normal(x):
    return x / jnp.sqrt(jnp.mean(x * x, axis=-1, keepdims=True) + 1e-6)


def attention(x, look, join):
    """Every letter looks at those before it."""
    length = x.shape[0]
    q, k, v = jnp.split((x @ look).reshape(length, 3 * heads, -1).swapaxes(0, 1), 3)
    scores = q @ k.swapaxes(1, 2) / q.shape[-1] ** 0.5
    scores = jnp.where(jnp.tril(jnp.ones((length, length))) > 0, scores, -1e9)
    return (jax.nn.softmax(scores) @ v).swapaxes(0, 1).reshape(length, width) @ join


def predict(weights, text):
    """For each place in the text, how likely every letter is to be the next."""
    x = weights["letters"][text] + weights["places"][: text.shape[0]]
    for layer in range(layers):
        x += attention(normal(x), weights[f"{layer}.look"], weights[f"{layer}.join"])
        x += jax.nn.gelu(normal(x) @ weights[f"{layer}.think"]) @ weights[f"{layer}.say"]
    return normal(x) @ weights["out"]
