#!/bin/sh
# The first process of a container: `init.sh PROGRAM ARGUMENT…`. The kernel delivers to that process only signals
# that it handles. Node takes a second or more until it handles SIGTERM: one that arrived earlier would be lost,
# and the Pod would keep its GPU for its whole grace period.
trap 'exit 143' TERM INT
# A program in the background would not get the standard input.
exec 3<&0
"$@" <&3 3<&- &
program=$!
trap 'again=1; kill -TERM "$program" 2>/dev/null' TERM INT
again=1
while [ "$again" ]; do
  # A signal ends `wait` before the program has ended.
  again=
  wait "$program"
  code=$?
done
exit "$code"
