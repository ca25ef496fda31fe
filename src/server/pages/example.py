import json, urllib.request

base = "http://127.0.0.1:8000/api/v1"
with urllib.request.urlopen(f"{base}/best?limit=1000") as answer:
    for row in json.load(answer)["rows"]:
        print(row["query"], row["engine"], round(row["time_ms"], 1), "ms")

record = open("record.json", "rb").read()  # cargo xtask show RECORD --json > record.json
headers = {"Content-Type": "application/json", "Authorization": "Bearer TOKEN", "Idempotency-Key": "ci-4711"}
request = urllib.request.Request(f"{base}/results", data=record, headers=headers)
print(json.load(urllib.request.urlopen(request)))
