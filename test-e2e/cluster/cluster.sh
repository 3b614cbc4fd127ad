#!/usr/bin/env bash
# A real Kubernetes cluster of one node, without Docker, in namespaces of its own. Run as root.
#
#   cluster.sh up [IMAGE…]       start it, unless it is up, load the images meanwhile, and wait until the node is ready and
#                                DNS answers
#   cluster.sh down              stop it and remove what it left; binaries, images and what the registry holds stay
#   cluster.sh run COMMAND…      run a command beside it: the API and the registry are on 127.0.0.1
#   cluster.sh kubectl ARGUMENT… same as: run kubectl ARGUMENT…
#   cluster.sh load IMAGE…       copy images from buildah's storage into the node
#   cluster.sh internet COMMAND… run a command in the simulated internet: every address of 203.0.113.0/24,
#                                198.51.100.0/24 and 2001:db8::/32 is its own, and some private ones are
#
# One process namespace holds it all: when its first process ends, so does every other, pods included.
# Nothing of it is to be seen from outside but STATE_DIR and the control groups named after the project.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
export STATE_DIR=${STATE_DIR:-/var/tmp/sekisho-cluster}
bin=$STATE_DIR/bin       # made by build.sh
images=$STATE_DIR/images # made by build.sh
logs=$STATE_DIR/logs
registry=$STATE_DIR/registry # outlives the cluster: what is in it is not pushed again
registry_mib_max=4096
run=/run/cluster # a tmpfs, private to the cluster's mount namespace
node_ip=172.31.0.10
node_ip6=fd00:31::10
engine=${ENGINE:-netpol} # what enforces NetworkPolicy: netpol, or cilium (then it is the pods' network too)
groups=(/sys/fs/cgroup/{cpu,cpuacct,cpuset,memory,devices,freezer,blkio,pids,systemd,unified}/sekisho)
export PATH=$bin:$PATH

pid() { # of the first process in the cluster's namespaces, as seen from outside
  local outer
  outer=$(cat "$STATE_DIR/pid" 2>/dev/null) && [ "$(cat "/proc/$outer/comm" 2>/dev/null)" = unshare ] &&
    tr -d ' ' <"/proc/$outer/task/$outer/children" | grep .
}

enter() { # NSENTER-OPTION… COMMAND…
  local target
  target=$(pid) || { echo "cluster.sh: the cluster is not up" >&2; exit 1; }
  nsenter --target "$target" --net "$@"
}

inside() {
  enter --mount --pid --uts --wdns="$PWD" env KUBECONFIG=$run/pki/admin.kubeconfig "$@"
}

wait_for() { # SECONDS WHAT COMMAND…
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || { echo "cluster.sh: $what: not within the time limit; see $logs" >&2; return 1; }
    sleep 0.2
  done
}

up() {
  if pid >/dev/null; then
    echo "cluster.sh: already up"
    load "$@"
    return
  fi
  [ -x "$bin/hyperkube" ] || { echo "cluster.sh: run build.sh first" >&2; exit 1; }
  [ "$engine" = netpol ] || [ -x "$bin/cilium-agent" ] || { echo "cluster.sh: run build.sh cilium first" >&2; exit 1; }
  clean
  prepare_registry
  mkdir -p "$logs" "${groups[@]}"
  setsid unshare --net --mount --pid --uts --fork --kill-child --mount-proc \
    bash "$here/cluster.sh" _first </dev/null >"$logs/first.log" 2>&1 &
  echo $! >"$STATE_DIR/pid"
  wait_for 10 "the namespaces" pid
  load "$@" &
  local loading=$!
  wait_for 90 "the node" inside kubectl wait --for=condition=Ready node/node1 --timeout=1s
  wait_for 60 "the cluster's DNS" inside kubectl -n kube-system rollout status deployment/coredns --timeout=1s
  wait $loading
}

down() {
  if pid >/dev/null; then
    local outer
    outer=$(cat "$STATE_DIR/pid")
    kill -KILL "$outer"
    wait_for 20 "the end of the cluster" test ! -e "/proc/$outer"
  fi
  clean
}

clean() {
  local group
  for group in "${groups[@]}"; do # a control group goes away once its last process has
    [ ! -d "$group" ] || wait_for 10 "$group" find "$group" -depth -type d -exec rmdir {} +
  done
  rm -rf "$STATE_DIR/pid" "$STATE_DIR/node"
}

prepare_registry() {
  # Nobody has forced it to the disk: a machine that has started anew may have lost parts.
  local boot
  boot=$(cat /proc/sys/kernel/random/boot_id)
  mkdir -p "$registry"
  if [ "$(cat "$registry/boot" 2>/dev/null)" != "$boot" ] || [ "$(du -sm "$registry" | cut -f1)" -gt $registry_mib_max ]; then
    rm -rf "$registry"
    mkdir -p "$registry"
    echo "$boot" >"$registry/boot"
  fi
}

# What follows runs inside the namespaces.

start() { # NAME COMMAND…
  local name=$1
  shift
  "$@" >"$logs/$name.log" 2>&1 &
}

_first() {
  mount --make-rprivate /
  mount --make-rshared / # volumes mounted by the kubelet must show up where containerd looks
  mount -t tmpfs run /run
  local dir
  for dir in /var/lib/{containerd,kubelet,cni} /var/log/{pods,containers} /etc/cni/net.d /opt/cni/bin; do
    mkdir -p "$dir" "$STATE_DIR/node$dir"
    mount --bind "$STATE_DIR/node$dir" "$dir"
  done
  mkdir -p $run/{pki,etcd,registry} /var/lib/kubelet/seccomp
  mount --bind "$registry" $run/registry
  cp /usr/lib/cni/* /opt/cni/bin/
  if [ "$engine" = cilium ]; then cilium_files; else cp "$here/config/cni.conflist" /etc/cni/net.d/; fi
  hostname node1
  network
  bash "$here/pki.sh" $run/pki $node_ip
  programs
  wait # and reap: this is process 1
}

network() {
  ip link set lo up
  # The internet: a network of its own that owns every address of three documentation ranges, and of some private
  # ones: a cluster is not alone on its network, and a case sees who tries to reach its neighbours.
  ip -batch - <<IP
netns add internet
link add eth0 type veth peer name eth0 netns internet
address add $node_ip/24 dev eth0
address add $node_ip6/64 dev eth0 nodad
link set eth0 up
route add default via 172.31.0.1
route add default via fd00:31::1
IP
  ip -netns internet -batch - <<IP
link set lo up
link set eth0 up
address add 172.31.0.1/24 dev eth0
address add fd00:31::1/64 dev eth0 nodad
route add local 203.0.113.0/24 dev lo
route add local 198.51.100.0/24 dev lo
route add local 2001:db8::/32 dev lo
route add local 10.99.0.0/16 dev lo
route add local 192.168.99.0/24 dev lo
route add local 169.254.169.254/32 dev lo
route add local fd00:99::/32 dev lo
IP
  (cd "$here/config" && start internet-dns ip netns exec internet coredns -conf Corefile.internet)
  # Without a limit, every refused connect is answered at once; with it, some only after a second.
  sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
    net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1 \
    net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
  nft -f - <<'NFT'
table inet pods {
  chain postrouting {
    type nat hook postrouting priority srcnat
    ip saddr 10.88.0.0/16 ip daddr != 10.88.0.0/16 masquerade
    ip6 saddr fd00:88::/48 ip6 daddr != fd00:88::/48 masquerade
  }
}
NFT
}

programs() {
  local pki=$run/pki component
  start etcd etcd --data-dir $run/etcd --unsafe-no-fsync
  start containerd containerd --config "$here/config/containerd.toml"
  start registry docker-registry serve "$here/config/registry.yaml"
  start kube-apiserver kube-apiserver --etcd-servers=http://127.0.0.1:2379 --advertise-address=$node_ip \
    --service-cluster-ip-range=10.96.0.0/16,fd00:96::/112 --authorization-mode=Node,RBAC \
    --enable-admission-plugins=NodeRestriction --allow-privileged \
    --client-ca-file=$pki/ca.crt --tls-cert-file=$pki/apiserver.crt --tls-private-key-file=$pki/apiserver.key \
    --kubelet-client-certificate=$pki/apiserver-kubelet.crt --kubelet-client-key=$pki/apiserver-kubelet.key \
    --kubelet-preferred-address-types=InternalIP \
    --service-account-issuer=https://kubernetes.default.svc.cluster.local \
    --service-account-key-file=$pki/sa.pub --service-account-signing-key-file=$pki/sa.key
  wait_for 30 containerd ctr version
  for component in "$images"/*.tar; do ctr --namespace k8s.io images import "$component" >/dev/null; done
  export KUBECONFIG=$pki/admin.kubeconfig
  wait_for 60 "the API" kubectl get --raw /readyz
  start kube-controller-manager kube-controller-manager --kubeconfig=$pki/kube-controller-manager.kubeconfig \
    --service-account-private-key-file=$pki/sa.key --root-ca-file=$pki/ca.crt --use-service-account-credentials \
    --allocate-node-cidrs --cluster-cidr=10.88.0.0/16,fd00:88::/48 --leader-elect=false
  start kube-scheduler kube-scheduler --kubeconfig=$pki/kube-scheduler.kubeconfig --leader-elect=false
  start kubelet unshare --mount --propagation unchanged bash "$here/cluster.sh" _kubelet
  start kube-proxy kube-proxy --config="$here/config/kube-proxy.yaml" --hostname-override=node1
  if [ "$engine" = cilium ]; then
    wait_for 30 "Cilium's kinds" kubectl apply --server-side -f $run/crds
    start cilium unshare --mount --propagation unchanged bash "$here/cluster.sh" _cilium
  else
    start netpol netpol
  fi
  wait_for 30 "the manifests" kubectl apply -f "$here/config/coredns.yaml"
}

_kubelet() {
  # The kubelet sets three settings of the whole machine: give it files of its own to write to.
  mount --make-rprivate /proc
  local setting value
  for setting in vm/overcommit_memory=1 kernel/panic=10 kernel/panic_on_oops=1; do
    value=$run/${setting//\//.}
    echo "${setting#*=}" >"$value"
    mount --bind "$value" "/proc/sys/${setting%=*}"
  done
  exec kubelet --config="$here/config/kubelet.yaml" --kubeconfig=$run/pki/kubelet.kubeconfig \
    --node-ip=$node_ip,$node_ip6 --hostname-override=node1
}

cilium_files() {
  mount -t bpf bpffs /sys/fs/bpf
  mkdir -p $run/{crds,cilium/bin}
  cp "$bin/cilium-cni" /opt/cni/bin/
  cp -r "$STATE_DIR/cilium/bpf" $run/cilium/ # a copy: the agent writes a header into it
  cp "$STATE_DIR"/cilium/crds/*.yaml $run/crds/
  ln -s /usr/bin/clang-19 $run/cilium/bin/clang
}

_cilium() {
  # The agent sets two settings of the whole machine: give it files of its own to write to.
  mount --make-rprivate /proc
  local setting value
  for setting in kernel/unprivileged_bpf_disabled=1 kernel/timer_migration=0; do
    value=$run/${setting//\//.}
    echo "${setting#*=}" >"$value"
    mount --bind "$value" "/proc/sys/${setting%=*}"
  done
  export K8S_NODE_NAME=node1 PATH=$run/cilium/bin:$PATH
  exec cilium-agent --config="$here/config/cilium.yaml"
}

load() {
  # By way of the registry: layers that are there already are neither pushed nor unpacked again.
  local image pushed
  wait_for 30 containerd inside ctr version
  wait_for 30 "the registry" inside bash -c ': </dev/tcp/127.0.0.1/5000'
  for image; do
    pushed=127.0.0.1:5000/${image#*/}
    enter buildah push --quiet --tls-verify=false "$image" "docker://$pushed"
    inside ctr --namespace k8s.io images pull --plain-http "$pushed" >/dev/null
    inside ctr --namespace k8s.io images tag --force "$pushed" "$image" >/dev/null
  done
}

command=${1:?$(sed -n '3,/^set/{/^#   /s/^# *//p}' "$0")}
shift
case $command in
  up | down | load | _first | _kubelet | _cilium) "$command" "$@" ;;
  run) inside "$@" ;;
  kubectl) inside kubectl "$@" ;;
  internet) inside ip netns exec internet "$@" ;;
  *) echo "cluster.sh: no such command: $command" >&2; exit 2 ;;
esac
