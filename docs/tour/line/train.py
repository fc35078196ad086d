import json
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
