"""Writes a LoRA adapter for the language model of the tests, as a GGUF file: matrices of random numbers."""
import random, struct, sys

rank, size = 8, 576
random.seed(int(sys.argv[1]))
text = lambda value: struct.pack("<Q", len(value)) + value.encode()
string = lambda key, value: text(key) + struct.pack("<I", 8) + text(value)
values = [
    string("general.architecture", "llama"),
    string("general.type", "adapter"),
    string("adapter.type", "lora"),
    text("adapter.lora.alpha") + struct.pack("<If", 6, rank),
]
tensors, data = [], b""
for block in range(0, 30, 3):
    for matrix, shape in (("lora_a", (size, rank)), ("lora_b", (rank, size))):
        name = f"blk.{block}.attn_q.weight.{matrix}"
        tensors.append(text(name) + struct.pack("<IQQIQ", 2, *shape, 0, len(data)))
        data += struct.pack(f"<{size * rank}f", *(random.gauss(0, 0.2) for _ in range(size * rank)))
header = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(values)) + b"".join(values + tensors)
with open(sys.argv[2], "wb") as file:
    # The data begins at a multiple of 32.
    file.write(header + b"\0" * (-len(header) % 32) + data)
