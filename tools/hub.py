"""Downloads a snapshot of the Hugging Face Hub and compares every file with the hub's own hashes.

    hub.py model|dataset ORG/NAME REVISION FOLDER [PATTERN…]

Without patterns, all files of a dataset are loaded, and of a model those that hubfiles.copies leaves.
The last line on stdout, {"omitted": {"files": N, "bytes": N}}, counts what it did not leave.

HF_ENDPOINT and HF_TOKEN are the client's own variables. An interrupted download is resumed:
the client keeps partial files in FOLDER/.cache, which is removed at the end.
"""

import errno
import glob
import hashlib
import json
import os
import shutil
import sys
import time

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
# Not every user has a home directory. This one is removed with the rest of .cache.
os.environ.setdefault("HF_HOME", os.path.join(sys.argv[4], ".cache", "home"))

import hubfiles
import hubprogress
from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

TRIES = 6


def digest(path, algorithm, prefix=b""):
    found = hashlib.new(algorithm, prefix)
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            found.update(chunk)
    return found.hexdigest()


def invalid_names(names):
    """Names in the hub's list that lead out of the folder, or that cannot be written."""
    for name in names:
        parts = name.split("/")
        if (
            any(part in ("", ".", "..") or len(part.encode("utf-8", "replace")) > 255 for part in parts)
            # Control characters, and halves of surrogate pairs, which are not valid UTF-8.
            or any(ord(char) < 32 or ord(char) == 127 or 0xD800 <= ord(char) < 0xE000 for char in name)
            or parts[0] in (".substratus.json", ".substratus.json.part")
        ):
            yield name


def changed_files(folder, files):
    """Names of files that differ from the hub's hash: large files by sha256, others by Git's blob hash."""
    for file in files:
        path = os.path.join(folder, file.rfilename)
        if file.lfs:
            same = digest(path, "sha256") == file.lfs.sha256
        else:
            size = os.path.getsize(path)
            same = digest(path, "sha1", b"blob %d\0" % size) == file.blob_id
        if not same:
            yield file.rfilename


def selection(kind, repository, files, patterns):
    """The files to load, and the client's arguments for it."""
    names = [file.rfilename for file in files]
    for pattern in hubfiles.unmatched(names, patterns):
        some = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
        sys.exit(f'spec.files: no file of {repository} matches "{pattern}": it has {some}')
    if patterns:
        wanted = set(hubfiles.chosen(names, patterns))
        if not wanted:
            sys.exit(f"spec.files: every file of {repository} is excluded")
        arguments = {
            "allow_patterns": [one for one in patterns if not one.startswith("!")] or None,
            "ignore_patterns": [one[1:] for one in patterns if one.startswith("!")],
        }
    else:
        copies = hubfiles.copies(names) if kind == "model" else set()
        wanted = set(names) - copies
        arguments = {"ignore_patterns": [glob.escape(name) for name in copies]}
    return [file for file in files if file.rfilename in wanted], arguments


def main(kind, repository, revision, folder, *patterns):
    end = None
    for count in range(1, TRIES + 1):
        try:
            info = HfApi().repo_info(
                repository, repo_type=kind, revision=revision, files_metadata=True
            )
            invalid = [repr(name) for name in invalid_names(file.rfilename for file in info.siblings)]
            if invalid:
                sys.exit(f"the hub names files that no folder can hold: {', '.join(invalid[:10])}")
            wanted, arguments = selection(kind, repository, info.siblings, patterns)
            if not end:
                end = hubprogress.report(folder, sum(file.size or 0 for file in wanted))
            snapshot_download(
                repository, repo_type=kind, revision=info.sha, local_dir=folder, max_workers=4, **arguments
            )
            break
        except (RepositoryNotFoundError, RevisionNotFoundError):
            raise
        except Exception as error:
            # Retrying does not help: a full disk, a name that is too long, a value that the client refuses,
            # or an untrusted certificate.
            if (
                count == TRIES
                or getattr(error, "errno", None) in (errno.ENOSPC, errno.ENAMETOOLONG)
                or type(error) is ValueError
                or "CERTIFICATE_VERIFY_FAILED" in str(error)
            ):
                raise
            print(f"{type(error).__name__}: {error}: trying again", file=sys.stderr)
            time.sleep(min(30, 0.5 * 2**count))
    changed = list(changed_files(folder, wanted))
    if changed:
        for name in changed:
            os.remove(os.path.join(folder, name))
        sys.exit(f"the hub has other contents of {', '.join(changed)}: removed")
    shutil.rmtree(os.path.join(folder, ".cache"), ignore_errors=True)
    end()
    print(f"{repository} at {info.sha}: {len(wanted)} files, all as the hub has them")
    if not patterns:
        omitted = [file for file in info.siblings if file not in wanted]
        size = sum(file.size or 0 for file in omitted)
        print(json.dumps({"omitted": {"files": len(omitted), "bytes": size}}))


main(*sys.argv[1:])
