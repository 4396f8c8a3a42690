#!/bin/sh
# What cloud-init does on other machines, before kubelet starts there: a name that all control planes share, and an image.
# containerd has just started, and calls this each time that it does. The name's address is high up in the network that
# the node itself is in: engines give away those at its lower end.
set -eu
network=$(ip -4 -o address show dev eth0 scope global | sed -n 's/.* brd \([0-9.]*\)\.[0-9]* .*/\1/p' | head -n 1)
[ -n "$network" ]
grep -q " NAME$" /etc/hosts || echo "$network.LAST NAME" >>/etc/hosts
[ ! -e /var/lib/kitlib-first-boot ] || exit 0
ctr -n k8s.io images import --all-platforms /kitlib/first-boot/image.tar
date +%s%N >/var/lib/kitlib-first-boot
