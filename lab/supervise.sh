#!/bin/sh
# supervise.sh NAME COMMAND...
#
# Runs COMMAND in a control group NAME of its own, and again whenever it exits with 133, with which systemd-nspawn --keep-unit says
# that the machine asked for a reboot. Without a group of its own every nspawn shares one tree, and the hosts see each other's units.
# The group is made below the present one, so that whatever accounts for this process goes on accounting for the machine.
set -u
name=$1
shift

# Read as a whole first: the file changes while we move.
own=$(cat /proc/self/cgroup)
IFS='
'
for line in $own; do
  rest=${line#*:}
  controllers=${rest%%:*} path=${rest#*:}
  case $controllers in
    "") if [ -d /sys/fs/cgroup/unified ]; then mount=/sys/fs/cgroup/unified; else mount=/sys/fs/cgroup; fi ;;
    name=*) mount=/sys/fs/cgroup/${controllers#name=} ;;
    *) mount=/sys/fs/cgroup/$controllers ;;
  esac
  [ -e "$mount/cgroup.procs" ] || continue
  group=$mount${path%/}/$name
  mkdir -p "$group" || continue
  if [ -e "$group/cpuset.cpus" ] && [ -z "$(cat "$group/cpuset.cpus")" ]; then
    cat "$group/../cpuset.cpus" >"$group/cpuset.cpus"
    cat "$group/../cpuset.mems" >"$group/cpuset.mems"
  fi
  echo $$ >"$group/cgroup.procs"
done
unset IFS

while :; do
  "$@"
  status=$?
  [ $status -eq 133 ] || exit $status
done
