import json, os
rows = int(os.environ.get("PARAM_ROWS", "50"))
with open("/content/artifacts/data.csv", "w") as file:
    for i in range(rows):
        x = i / rows
        file.write(f"{x},{3 * x + 2}\n")
print(rows, "rows")
