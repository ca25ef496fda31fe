"""An engine that repeats what it was told: on stderr, in its settings, and as the reason for which it fails.

It also looks for it where others could: in the arguments and the environment of every process but the server's.
"""

import json
import pathlib
import sys


def seen_by_others(secret, but):
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        for file in ("cmdline", "environ"):
            try:
                text = (folder / file).read_bytes()
            except OSError:
                continue
            if secret.encode() in text and but.encode() not in (folder / "cmdline").read_bytes():
                yield f"{file} of {folder.name}"


def say(**reply):
    print(json.dumps(reply), flush=True)


say(did="hello", protocol=2, engine="telltale")
for line in sys.stdin:
    request = json.loads(line)
    if request["do"] == "open":
        s3 = request["settings"]["s3"]
        secret = s3["secret_access_key"]
        print(f"I was told {secret} of {s3['access_key_id']}", file=sys.stderr, flush=True)
        say(did="open", info={"version": "1", "settings": {"told": secret}})
    else:
        found = ", ".join(seen_by_others(secret, "versitygw")) or "nobody"
        say(did="fail", message=f"the secret is {secret}, and seen by {found}")
