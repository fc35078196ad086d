"""Fine-tunes the model with LoRA on one sentence, by torch, transformers and peft."""
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

torch.set_num_threads(1)
base = "/content/model"
tokenizer = AutoTokenizer.from_pretrained(base)
model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
model = get_peft_model(model, LoraConfig(r=16, target_modules=["q_proj", "v_proj", "up_proj"]))
text = "Q: What is a Pod? A: One or more containers that run together. " * 8
batch = tokenizer(text, return_tensors="pt").input_ids[:, :256]
optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
losses = []
for _ in range(100):
    loss = model(input_ids=batch, labels=batch).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    losses.append(loss.item())
print("loss", losses[0], "->", losses[-1])
model.save_pretrained("/content/artifacts/adapter")
