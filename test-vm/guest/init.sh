#!/bin/sh
# First process of the machine: loads the profiles, runs every container, says what came of it, turns the machine off.
# Lines that begin with "@vm" are the answers; see lib/report.ts.
container_seconds_max=240
say() { printf '@vm {"scenario":"%s","check":"%s","value":%s}\n' "$1" "$2" "$3"; }
text() { printf '"%s"' "$(sed -e 's/\\/\\\\/g' -e 's/"/\\"/g')"; }
denials() { # scenario: what AppArmor has denied since the last call
  dmesg -c | grep 'apparmor="DENIED"' | sed -E -e 's/.*apparmor=/apparmor=/' -e 's/ pid=[0-9]+//' -e 's/ fsuid=.*//' |
    while read -r line; do say "$1" denied "$(printf '%s' "$line" | text)"; done
}

mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t securityfs sec /sys/kernel/security
mount -t cgroup2 cgroup /sys/fs/cgroup
ip link set lo up
# The kernel drops lines otherwise.
echo 0 >/proc/sys/kernel/printk_ratelimit
say machine lsm "$(text </sys/kernel/security/lsm)"
say machine apparmor "$(text </sys/module/apparmor/parameters/enabled)"
say machine kernel "$(text </proc/sys/kernel/osrelease)"
say machine uptime "$(cut -d. -f1 /proc/uptime)"

for profile in /profiles/*; do
  apparmor_parser --replace --skip-cache "$profile" && say machine "loads $(basename "$profile")" true || say machine "loads $(basename "$profile")" false
done
denials machine

run() { # container: what it says is kept, so that two do not talk at once
  mount -o bind / "/containers/$1/rootfs"
  timeout -s KILL "$container_seconds_max" runc run --no-pivot --bundle "/containers/$1" "$1" </dev/null >"/tmp/$1.out" 2>"/tmp/$1.err"
  echo $? >"/tmp/$1.exit"
}

tell() { # container
  cat "/tmp/$1.out"
  say "$1" exit "$(cat "/tmp/$1.exit")"
  say "$1" stderr "$(tr '\n' ' ' <"/tmp/$1.err" | cut -c1-1000 | text)"
}

# The service itself, from outside as the kubelet sees it.
service() {
  redis-server --port 6379 --save '' --daemonize yes --logfile /dev/null >/dev/null
  run service &
  waited=0
  until wget -q -O /tmp/ready http://127.0.0.1:9090/readyz 2>/dev/null || [ "$waited" -ge 150 ]; do
    sleep 1
    waited=$((waited + 1))
  done
  say service ready "$(cat /tmp/ready || echo null)"
  wget -q -O /tmp/metrics http://127.0.0.1:9090/metrics
  say service layers "$(grep '^sekisho_image_worker_sandbox_layer{' /tmp/metrics | tr '\n' ' ' | text)"
  runc kill service TERM
  wait
}

while read -r row; do
  began=$(cut -d. -f1 /proc/uptime)
  for container in $row; do
    if [ "$container" = service ]; then service & else run "$container" & fi
  done
  wait
  for container in $row; do tell "$container"; done
  denials "$row"
  say "$row" seconds $(($(cut -d. -f1 /proc/uptime) - began))
done </containers/rows
say machine end "$(cut -d. -f1 /proc/uptime)"
poweroff -f
