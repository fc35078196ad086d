"""Downloads a snapshot of the Hugging Face Hub and compares every file with the hub's own hashes.

    hub.py model|dataset ORG/NAME REVISION FOLDER

HF_ENDPOINT and HF_TOKEN are the client's own variables. A broken download is gone on with: the
client keeps what came in FOLDER/.cache, which is removed at the end.
"""

import hashlib
import os
import shutil
import sys
import time

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
# A home of its own, for not every user has one; it goes with the rest of .cache.
os.environ.setdefault("HF_HOME", os.path.join(sys.argv[-1], ".cache", "home"))

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

TRIES = 6


def digest(path, algorithm, prefix=b""):
    found = hashlib.new(algorithm, prefix)
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            found.update(chunk)
    return found.hexdigest()


def wrong(folder, files):
    """Names of files that are not what the hub says: large ones by sha256, others as Git hashes them."""
    for file in files:
        path = os.path.join(folder, file.rfilename)
        if file.lfs:
            same = digest(path, "sha256") == file.lfs.sha256
        else:
            size = os.path.getsize(path)
            same = digest(path, "sha1", b"blob %d\0" % size) == file.blob_id
        if not same:
            yield file.rfilename


def main(kind, repository, revision, folder):
    for count in range(1, TRIES + 1):
        try:
            info = HfApi().repo_info(
                repository, repo_type=kind, revision=revision, files_metadata=True
            )
            snapshot_download(
                repository, repo_type=kind, revision=info.sha, local_dir=folder, max_workers=4
            )
            break
        except (RepositoryNotFoundError, RevisionNotFoundError):
            raise
        except Exception as error:
            if count == TRIES or getattr(error, "errno", None) == 28:
                raise
            print(f"{type(error).__name__}: {error}: trying again", file=sys.stderr)
            time.sleep(min(30, 0.5 * 2**count))
    bad = list(wrong(folder, info.siblings))
    if bad:
        for name in bad:
            os.remove(os.path.join(folder, name))
        sys.exit(f"the hub has other contents of {', '.join(bad)}: removed")
    shutil.rmtree(os.path.join(folder, ".cache"), ignore_errors=True)
    print(f"{repository} at {info.sha}: {len(info.siblings)} files, all as the hub has them")


main(*sys.argv[1:])
