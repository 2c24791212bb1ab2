#!/bin/sh
# light-host.sh LOWER FOLDER NAME ROUTER ADDRESS GATEWAY
#
# One light host: sshd on a root file system of its own, in namespaces that unshare(1) made for it. LOWER are overlay layers, FOLDER holds
# `etc/ssh` (host keys) and `authorized_keys`; ROUTER is the lab's router in ip-netns(8). What is changed on it lives in memory, and
# everything goes when the process ends: mounts, interfaces, addresses.
set -eu
lower=$1 folder=$2 name=$3 router=$4 address=$5 gateway=$6
link=light-${name#light}

mount -t tmpfs -o mode=0755 tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay -o "lowerdir=$lower,upperdir=/mnt/upper,workdir=/mnt/work" overlay /mnt/root

ip link set lo up
ip link add eth0 type veth peer name "$link" netns "$router"
ip -n "$router" link set "$link" master servers up
ip addr add "$address" dev eth0
ip link set eth0 up
ip route add default via "$gateway"

cd /mnt/root
mount -t proc proc proc
mount --rbind /dev dev
mount -t tmpfs -o mode=0755 tmpfs run
mkdir -p run/sshd home/deploy/.ssh
cp "$folder"/etc/ssh/ssh_host_* etc/ssh/
cp "$folder/authorized_keys" home/deploy/.ssh/authorized_keys
chroot . chown -R deploy:deploy home/deploy/.ssh
hostname "$name"
echo "127.0.0.1 localhost $name" >etc/hosts
exec chroot . /usr/sbin/sshd -D -e
