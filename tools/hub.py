"""Downloads a snapshot of the Hugging Face Hub and compares every file with the hub's own hashes.

    hub.py model|dataset ORG/NAME REVISION FOLDER

HF_ENDPOINT and HF_TOKEN are the client's own variables. A broken download is gone on with: the
client keeps what came in FOLDER/.cache, which is removed at the end.
"""

import errno
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


def strays(names):
    """Names of the hub's list that would end outside of the folder, or nowhere."""
    for name in names:
        parts = name.split("/")
        if (
            any(part in ("", ".", "..") or len(part.encode("utf-8", "replace")) > 255 for part in parts)
            # Control characters, and halves of surrogate pairs, which are not valid UTF-8.
            or any(ord(char) < 32 or ord(char) == 127 or 0xD800 <= ord(char) < 0xE000 for char in name)
            or parts[0] in (".substratus.json", ".substratus.json.part")
        ):
            yield name


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
            bad = [repr(name) for name in strays(file.rfilename for file in info.siblings)]
            if bad:
                sys.exit(f"the hub names files that no folder can hold: {', '.join(bad[:10])}")
            snapshot_download(
                repository, repo_type=kind, revision=info.sha, local_dir=folder, max_workers=4
            )
            break
        except (RepositoryNotFoundError, RevisionNotFoundError):
            raise
        except Exception as error:
            # Retrying does not help: a full disk, a name that is too long, or a value that the client refuses.
            if (
                count == TRIES
                or getattr(error, "errno", None) in (errno.ENOSPC, errno.ENAMETOOLONG)
                or type(error) is ValueError
            ):
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
