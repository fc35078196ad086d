#!/bin/sh
# The first process of a container: `init.sh PROGRAM ARGUMENT…`. The kernel keeps from a container's first
# process each signal that it does not handle. Node needs a second or more before it does, so a SIGTERM then
# would be lost, and the Pod would keep its GPU for its whole grace period.
trap 'exit 143' TERM INT
"$@" &
program=$!
trap 'kill -TERM "$program"' TERM INT
# A signal ends `wait` before the program has ended.
wait "$program"
code=$?
while kill -0 "$program" 2>/dev/null; do
  wait "$program"
  code=$?
done
exit "$code"
