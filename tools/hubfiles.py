"""Which files of a repository on the Hugging Face Hub are loaded."""

import fnmatch
import re

# The usual names of weights in formats other than safetensors, with the indices of their parts.
OTHER_WEIGHTS = re.compile(
    r"""
    ((diffusion_)?pytorch_)?model([-.].*)?\.(bin|pt|pth|ckpt) (\.index\.json)?
    | consolidated(\..*)?\.(pt|pth)
    | (tf_model([-.].*)?|model)\.h5 (\.index\.json)?
    | ((diffusion_)?flax_model([-.].*)?|model)\.msgpack (\.index\.json)?
    | rust_model\.ot
    | openvino_.*\.(bin|xml)
    | .*\.(onnx|onnx_data|tflite|gguf)
    """,
    re.VERBOSE,
)

# Formats that may hold the weights of a safetensors file of the same name.
OTHER_ENDS = (".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack")

# Folders next to the weights that hold copies of them.
OTHER_FOLDERS = re.compile(r"original|metal|onnx|openvino|coreml|tflite|gguf|.*\.mlpackage")

# The format of most libraries. Mistral's own, consolidated.safetensors, may be next to it.
SAFETENSORS = re.compile(r"((diffusion_)?pytorch_)?model([-.].*)?\.safetensors")


def parent(path):
    return path.rpartition("/")[0]


def copies(names):
    """The files that hold the same weights as safetensors next to them."""
    beside = {}
    for name in names:
        base = name.rpartition("/")[2]
        # An adapter does not replace the model.
        if base.endswith(".safetensors") and not base.startswith("adapter_"):
            beside.setdefault(parent(name), set()).add(base)
    every = set(names)
    return {
        name
        for name in names
        if is_twin(name, every) or is_copy(name, beside) or is_in_copy(parent(name), beside)
    }


def is_twin(name, every):
    """Whether a safetensors file of the same name has the weights."""
    stem, dot, end = name.rpartition(".")
    return dot + end in OTHER_ENDS and f"{stem}.safetensors" in every


def is_copy(name, beside):
    weights = beside.get(parent(name), ())
    base = name.rpartition("/")[2]
    if base.endswith((".safetensors", ".safetensors.index.json")):
        return base.startswith("consolidated") and any(map(SAFETENSORS.fullmatch, weights))
    return bool(weights) and bool(OTHER_WEIGHTS.fullmatch(base))


def is_in_copy(folder, beside):
    """Whether the folder, or a parent, holds copies of weights that are safetensors next to it."""
    while folder:
        if OTHER_FOLDERS.fullmatch(folder.rpartition("/")[2]) and parent(folder) in beside:
            return True
        folder = parent(folder)
    return False


def matches(name, pattern):
    """The rule of the hub's own client, and of tools/globs.ts: "*" is any characters, "/" too."""
    return fnmatch.fnmatchcase(name, pattern + "*" if pattern.endswith("/") else pattern)


def chosen(names, patterns):
    """The names that a pattern matches, or all, except those that a pattern with "!" matches."""
    wanted = [one for one in patterns if not one.startswith("!")]
    unwanted = [one[1:] for one in patterns if one.startswith("!")]
    return [
        name
        for name in names
        if (not wanted or any(matches(name, one) for one in wanted))
        and not any(matches(name, one) for one in unwanted)
    ]


def unmatched(names, patterns):
    """The patterns that match nothing, except those that exclude."""
    return [
        one
        for one in patterns
        if not one.startswith("!") and not any(matches(name, one) for name in names)
    ]
