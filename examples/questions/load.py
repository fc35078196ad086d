"""Writes the first rows of a table as questions and answers."""
import csv
import json

sample = json.load(open("/content/params.json"))["sample"]
rows = list(csv.DictReader(open("/questions.csv")))[:sample]
with open("/content/artifacts/questions.txt", "w") as file:
    for row in rows:
        file.write(f"Q: {row['question']}\nA: {row['answer']}\n\n")
print(len(rows), "questions")
